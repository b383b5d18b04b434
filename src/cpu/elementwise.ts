import { binaryPrimitive, unaryPrimitive, type BinaryFunction, type UnaryFunction } from "../autograd/arithmetic.js";
import { expandPrimitive, permutePrimitive } from "../autograd/broadcast.js";
import { castPrimitive } from "../autograd/cast.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { sameShape, stridesOf, type Shape } from "../core/shape.js";
import { implement, type Operand } from "./backend.js";

const GELU = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const unary: Record<UnaryFunction, (x: number, a: number, b: number) => number> = {
  affine: (x, a, b) => a * x + b,
  power: (x, a) => x ** a,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  abs: Math.abs,
  sign: Math.sign,
  square: (x) => x * x,
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
  step: (x) => (Number.isNaN(x) ? NaN : x > 0 ? 1 : 0),
  gelu: (x) => 0.5 * x * (1 + Math.tanh(GELU * (x + CUBIC * x ** 3))),
  sin: Math.sin,
  cos: Math.cos,
  isFinite: (x) => (Number.isFinite(x) ? 1 : 0),
  eluPlusOne: (x) => (x > 0 ? x + 1 : Math.exp(x)),
  eluDerivative: (x) => (x > 0 ? 1 : Math.exp(x)),
  geluDerivative(x) {
    const t = Math.tanh(GELU * (x + CUBIC * x ** 3));
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * GELU * (1 + 3 * CUBIC * x * x);
  },
};

const binary: Record<BinaryFunction, (x: number, y: number, c: number) => number> = {
  add: (x, y) => x + y,
  subtract: (x, y) => x - y,
  multiply: (x, y) => x * y,
  divide: (x, y) => x / y,
  addScaled: (x, y, c) => x + c * y,
  equal: (x, y) => (x === y ? 1 : 0),
  atan2: Math.atan2,
  where: (x, condition, otherwise) => (condition === 0 ? otherwise : x),
};

/** For every element of `shape` in row-major order, its offset in an operand with these strides. */
function offsets(shape: Shape, strides: readonly number[]): Int32Array {
  let result = Int32Array.of(0);
  shape.forEach((extent, axis) => {
    const longer = new Int32Array(result.length * extent);
    let position = 0;
    for (const base of result) {
      for (let step = 0; step < extent; step++) longer[position++] = base + step * strides[axis];
    }
    result = longer;
  });
  return result;
}

/** Strides of an operand seen under a broadcast shape. */
function broadcastStrides(from: Shape, to: Shape): number[] {
  return [...new Array<number>(to.length - from.length).fill(0), ...stridesOf(from)];
}

function gather(input: Operand, output: Operand, strides: readonly number[]): void {
  offsets(output.shape, strides).forEach((offset, index) => (output.data[index] = input.data[offset]!));
}

/** The operand's numbers under a broadcast shape; its own array where nothing is repeated. */
function broadcast(input: Operand, shape: Shape): Operand["data"] {
  if (sameShape(input.shape, shape)) return input.data;
  const { data } = input;
  return Float64Array.from(offsets(shape, broadcastStrides(input.shape, shape)), (offset) => data[offset]);
}

export const elementwise = [
  implement(unaryPrimitive, ([x], [y], { function: name, a, b }) => {
    const f = unary[name];
    const [from, to] = [x.data, y.data];
    for (let index = 0; index < to.length; index++) to[index] = f(from[index], a, b);
  }),
  implement(binaryPrimitive, ([x, y], [z], { function: name, c }) => {
    const f = binary[name];
    const to = z.data;
    const [left, right] = [broadcast(x, z.shape), broadcast(y, z.shape)];
    for (let index = 0; index < to.length; index++) to[index] = f(left[index], right[index], c);
  }),
  implement(castPrimitive, ([x], [y]) => y.data.set(x.data)),
  implement(expandPrimitive, ([x], [y]) => gather(x, y, broadcastStrides(x.shape, y.shape))),
  implement(permutePrimitive, ([x], [y], { order }) => {
    const strides = stridesOf(x.shape);
    gather(
      x,
      y,
      order.map((axis) => strides[axis]),
    );
  }),
  implement(
    adamPrimitive,
    ([p, g, m, v], [p2, m2, v2], { learningRate, beta1, beta2, epsilon, correction1, correction2 }) => {
      g.data.forEach((gradient, i) => {
        const first = beta1 * m.data[i] + (1 - beta1) * gradient;
        const second = beta2 * v.data[i] + (1 - beta2) * gradient * gradient;
        m2.data[i] = first;
        v2.data[i] = second;
        p2.data[i] = p.data[i] - (learningRate * (first / correction1)) / (Math.sqrt(second / correction2) + epsilon);
      });
    },
  ),
];

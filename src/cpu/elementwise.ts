import { binaryPrimitive, unaryPrimitive, type BinaryFunction, type UnaryFunction } from "../autograd/arithmetic.js";
import { expandPrimitive, permutePrimitive } from "../autograd/broadcast.js";
import { castPrimitive } from "../autograd/cast.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { sameShape, stridesOf, type Shape } from "../core/shape.js";
import { implement, type Numbers, type Operand } from "./backend.js";

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
  gelu: (x) => 0.5 * x * (1 + Math.tanh(GELU * (x + CUBIC * x * x * x))),
  sin: Math.sin,
  cos: Math.cos,
  isFinite: (x) => (Number.isFinite(x) ? 1 : 0),
  eluPlusOne: (x) => (x > 0 ? x + 1 : Math.exp(x)),
  eluDerivative: (x) => (x > 0 ? 1 : Math.exp(x)),
  geluDerivative(x) {
    const t = Math.tanh(GELU * (x + CUBIC * x * x * x));
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

/** Copies for every element of `shape`, row-major, the element of an operand with these strides. */
function gather(from: Numbers, strides: readonly number[], shape: Shape, to: Numbers): void {
  const last = shape.length - 1;
  const [width, step] = last < 0 ? [1, 0] : [shape[last], strides[last]];
  const place = new Int32Array(Math.max(last, 0));
  for (let at = 0, start = 0; at < to.length; at += width) {
    for (let c = 0; c < width; c++) to[at + c] = from[start + c * step];
    for (let axis = last - 1; axis >= 0; axis--) {
      start += strides[axis];
      if (++place[axis] < shape[axis]) break;
      start -= strides[axis] * shape[axis];
      place[axis] = 0;
    }
  }
}

/** Strides of an operand seen under a broadcast shape. */
function broadcastStrides(from: Shape, to: Shape): number[] {
  return [...new Array<number>(to.length - from.length).fill(0), ...stridesOf(from)];
}

/** The operand's numbers under a broadcast shape; its own array where nothing is repeated. */
function broadcast(input: Operand, shape: Shape, size: number): Numbers {
  if (sameShape(input.shape, shape)) return input.data;
  const all = new Float64Array(size);
  gather(input.data, broadcastStrides(input.shape, shape), shape, all);
  return all;
}

/** Loops of their own for the cheapest functions: a loop that calls one of many is several times slower. */
function cheapUnary(name: UnaryFunction, x: Numbers, y: Numbers, a: number, b: number): boolean {
  if (name === "affine") for (let at = 0; at < y.length; at++) y[at] = a * x[at] + b;
  else if (name === "square") for (let at = 0; at < y.length; at++) y[at] = x[at] * x[at];
  else return false;
  return true;
}

function cheapBinary(name: BinaryFunction, x: Numbers, y: Numbers, z: Numbers, c: number): boolean {
  if (name === "add") for (let at = 0; at < z.length; at++) z[at] = x[at] + y[at];
  else if (name === "subtract") for (let at = 0; at < z.length; at++) z[at] = x[at] - y[at];
  else if (name === "multiply") for (let at = 0; at < z.length; at++) z[at] = x[at] * y[at];
  else if (name === "addScaled") for (let at = 0; at < z.length; at++) z[at] = x[at] + c * y[at];
  else return false;
  return true;
}

export const elementwise = [
  implement(unaryPrimitive, ([x], [y], { function: name, a, b }) => {
    const [from, to] = [x.data, y.data];
    if (cheapUnary(name, from, to, a, b)) return;
    const f = unary[name];
    for (let index = 0; index < to.length; index++) to[index] = f(from[index], a, b);
  }),
  implement(binaryPrimitive, ([x, y], [z], { function: name, c }) => {
    const to = z.data;
    const [left, right] = [broadcast(x, z.shape, to.length), broadcast(y, z.shape, to.length)];
    if (cheapBinary(name, left, right, to, c)) return;
    const f = binary[name];
    for (let index = 0; index < to.length; index++) to[index] = f(left[index], right[index], c);
  }),
  implement(castPrimitive, ([x], [y]) => y.data.set(x.data)),
  implement(expandPrimitive, ([x], [y]) => gather(x.data, broadcastStrides(x.shape, y.shape), y.shape, y.data)),
  implement(permutePrimitive, ([x], [y], { order }) => {
    const strides = stridesOf(x.shape);
    const moved = order.map((axis) => strides[axis]);
    gather(x.data, moved, y.shape, y.data);
  }),
  implement(
    adamPrimitive,
    ([p, g, m, v], [p2, m2, v2], { learningRate, beta1, beta2, epsilon, correction1, correction2 }) => {
      for (let i = 0; i < g.data.length; i++) {
        const gradient = g.data[i];
        const first = beta1 * m.data[i] + (1 - beta1) * gradient;
        const second = beta2 * v.data[i] + (1 - beta2) * gradient * gradient;
        m2.data[i] = first;
        v2.data[i] = second;
        p2.data[i] = p.data[i] - (learningRate * (first / correction1)) / (Math.sqrt(second / correction2) + epsilon);
      }
    },
  ),
];

import { binaryPrimitive, unaryPrimitive, type BinaryFunction, type UnaryFunction } from "../autograd/arithmetic.js";
import { expandPrimitive, permutePrimitive } from "../autograd/broadcast.js";
import { castPrimitive } from "../autograd/cast.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { stridesOf } from "../core/shape.js";
import { broadcastStrides, eachRow, gather, walk } from "../core/strides.js";
import { CUBIC, gelu, GELU, gelus } from "../numerics/gelu.js";
import { implement, type Numbers } from "./backend.js";

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
  gelu,
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

/** Loops of their own for frequent functions: a loop that calls one of many is slower. */
function frequentUnary(name: UnaryFunction, x: Numbers, y: Numbers, a: number, b: number): boolean {
  if (name === "affine") for (let at = 0; at < y.length; at++) y[at] = a * x[at] + b;
  else if (name === "square") for (let at = 0; at < y.length; at++) y[at] = x[at] * x[at];
  else if (name === "gelu") gelus(x, y);
  else return false;
  return true;
}

/** z_c = f(x_c, y_c, c) for one row, from these places on. */
type Row = (x: Numbers, y: Numbers, z: Numbers, x0: number, y0: number, z0: number) => void;

/** Functions that are x + c y for a c of their own. */
const factors: Partial<Record<BinaryFunction, number>> = { add: 1, subtract: -1 };

/** The function over rows of `width` numbers, of which the operands have each, or every dx-th and dy-th. */
function rowOf(name: BinaryFunction, width: number, [dx, dy]: readonly [number, number], c: number): Row {
  if (name === "multiply")
    return (x, y, z, x0, y0, z0) => {
      for (let i = 0; i < width; i++) z[z0 + i] = x[x0 + i * dx] * y[y0 + i * dy];
    };
  const factor = name === "addScaled" ? c : factors[name];
  if (factor !== undefined)
    return (x, y, z, x0, y0, z0) => {
      for (let i = 0; i < width; i++) z[z0 + i] = x[x0 + i * dx] + factor * y[y0 + i * dy];
    };
  const f = binary[name];
  return (x, y, z, x0, y0, z0) => {
    for (let i = 0; i < width; i++) z[z0 + i] = f(x[x0 + i * dx], y[y0 + i * dy], c);
  };
}

export const elementwise = [
  implement(unaryPrimitive, ([x], [y], { function: name, a, b }) => {
    const [from, to] = [x.data, y.data];
    if (frequentUnary(name, from, to, a, b)) return;
    const f = unary[name];
    for (let index = 0; index < to.length; index++) to[index] = f(from[index], a, b);
  }),
  implement(binaryPrimitive, ([x, y], [z], { function: name, c }) => {
    const axes = walk(z.shape, broadcastStrides(x.shape, z.shape), broadcastStrides(y.shape, z.shape));
    const { extent, strides } = axes[axes.length - 1];
    const row = rowOf(name, extent, strides, c);
    eachRow(axes, (left, right, at) => row(x.data, y.data, z.data, left, right, at));
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

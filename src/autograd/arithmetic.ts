import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { checkNumbers } from "../core/options.js";
import { broadcastShapes } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { sumTo } from "./broadcast.js";
import { apply, type Differentiable } from "./tape.js";

/** Functions of one number; `a` and `b` are constants of the call. Every backend implements them under these names. */
export const unaryFunctions = [
  "affine",
  "power",
  "exp",
  "log",
  "sqrt",
  "abs",
  "sign",
  "square",
  "tanh",
  "sigmoid",
  "relu",
  "step",
  "gelu",
  "geluDerivative",
  "eluPlusOne",
  "eluDerivative",
  "sin",
  "cos",
  "isFinite",
] as const;
export type UnaryFunction = (typeof unaryFunctions)[number];

/** Functions of two numbers; `c` is a constant of the call. */
export const binaryFunctions = [
  "add",
  "subtract",
  "multiply",
  "divide",
  "addScaled",
  "equal",
  "atan2",
  "where",
] as const;
export type BinaryFunction = (typeof binaryFunctions)[number];

export interface UnaryAttributes {
  readonly function: UnaryFunction;
  readonly a: number;
  readonly b: number;
}

type Derivative = (dy: Tensor, x: Tensor, y: Tensor, attributes: UnaryAttributes) => Tensor | undefined;

const derivatives: Partial<Record<UnaryFunction, Derivative>> = {
  affine: (dy, _x, _y, { a }) => multiply(dy, a),
  power: (dy, x, _y, { a }) => (a === 0 ? undefined : a === 1 ? dy : multiply(dy, multiply(power(x, a - 1), a))),
  exp: (dy, _x, y) => multiply(dy, y),
  log: (dy, x) => divide(dy, x),
  sqrt: (dy, _x, y) => divide(multiply(dy, 0.5), y),
  abs: (dy, x) => multiply(dy, sign(x)),
  sign: () => undefined,
  square: (dy, x) => multiply(dy, multiply(x, 2)),
  tanh: (dy, _x, y) => multiply(dy, unary("affine", square(y), -1, 1)),
  sigmoid: (dy, _x, y) => multiply(dy, multiply(y, unary("affine", y, -1, 1))),
  relu: (dy, x) => multiply(dy, unary("step", x)),
  step: () => undefined,
  eluPlusOne: (dy, x) => multiply(dy, unary("eluDerivative", x)),
  eluDerivative: (dy, x, y) => multiply(dy, multiply(y, unary("affine", unary("step", x), -1, 1))),
  gelu: (dy, x) => multiply(dy, unary("geluDerivative", x)),
  geluDerivative: (dy, x) => multiply(dy, geluCurvature(x)),
  sin: (dy, x) => multiply(dy, cos(x)),
  cos: (dy, x) => multiply(dy, multiply(sin(x), -1)),
  isFinite: () => undefined,
};

/** gelu''(x) = (1 - t²)(u' + x u''/2 - x t u'²), with u = √(2/π)(x + 0.044715x³) and t = tanh(u). */
function geluCurvature(x: Tensor): Tensor {
  const [slope, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
  const xx = square(x);
  const t = tanh(multiply(x, unary("affine", xx, slope * cubic, slope)));
  const du = unary("affine", xx, 3 * slope * cubic, slope);
  const bend = addScaled(du, xx, 3 * slope * cubic); // x u''/2 = 3 √(2/π) 0.044715 x²
  return multiply(unary("affine", square(t), -1, 1), subtract(bend, multiply(multiply(x, t), square(du))));
}

/** y = f(x), element by element. */
export const unaryPrimitive: Differentiable<UnaryAttributes> = {
  name: "unary",
  operation: ({ function: name }) => name,
  infer: ([x]) => [x],
  vjp({ inputs, outputs, attributes }, dy) {
    const derivative = derivatives[attributes.function];
    if (derivative === undefined) {
      throw new UnsupportedError({ where: attributes.function, wanted: "a derivative", got: "a function without one" });
    }
    return [derivative(dy!, inputs[0], outputs[0], attributes)];
  },
};

export interface BinaryAttributes {
  readonly function: BinaryFunction;
  readonly c: number;
}

/** z = f(x, y), element by element, with NumPy's broadcasting. */
export const binaryPrimitive: Differentiable<BinaryAttributes> = {
  name: "binary",
  operation: ({ function: name }) => name,
  infer: ([x, y], attributes) => [broadcastShapes(attributes.function, x, y)],
  vjp({ inputs, outputs, attributes, needs }, dz) {
    const [x, y] = inputs as [Tensor, Tensor];
    const back = (index: number, gradient: () => Tensor): Tensor | undefined =>
      needs(index) ? sumTo(gradient(), inputs[index].shape) : undefined;
    const g = dz!;
    switch (attributes.function) {
      case "add":
        return [back(0, () => g), back(1, () => g)];
      case "addScaled":
        return [back(0, () => g), back(1, () => multiply(g, attributes.c))];
      case "subtract":
        return [back(0, () => g), back(1, () => multiply(g, -1))];
      case "multiply":
        return [back(0, () => multiply(g, y)), back(1, () => multiply(g, x))];
      case "divide":
        return [back(0, () => divide(g, y)), back(1, () => multiply(divide(multiply(g, outputs[0]), y), -1))];
      case "equal":
        return [undefined, undefined];
      case "where":
        return [back(0, () => where(y, g, 0)), undefined];
      case "atan2": {
        const scaled = divide(g, add(square(x), square(y)));
        return [back(0, () => multiply(scaled, y)), back(1, () => multiply(multiply(scaled, x), -1))];
      }
    }
  },
};

/**
 * The second constant of `power` is the exponent modulo 2, or this: float32 may round an exponent to a whole number.
 */
const NOT_WHOLE = 2;

function unary(name: UnaryFunction, x: Tensor, a = 0, b = 0): Tensor {
  checkNumbers(name, { a, b });
  return apply(unaryPrimitive, [x], { function: name, a, b })[0];
}

function binary(name: BinaryFunction, x: Tensor, y: Tensor, c = 0): Tensor {
  checkNumbers(name, { c });
  return apply(binaryPrimitive, [x, y], { function: name, c })[0];
}

/** x + y, with broadcasting; y may be a number. */
export function add(x: Tensor, y: Tensor | number): Tensor {
  return typeof y === "number" ? unary("affine", x, 1, y) : binary("add", x, y);
}

/** x - y, with broadcasting; y may be a number. */
export function subtract(x: Tensor, y: Tensor | number): Tensor {
  return typeof y === "number" ? unary("affine", x, 1, -y) : binary("subtract", x, y);
}

/** x · y element by element, with broadcasting; y may be a number. */
export function multiply(x: Tensor, y: Tensor | number): Tensor {
  return typeof y === "number" ? unary("affine", x, y, 0) : binary("multiply", x, y);
}

/** x / y element by element, with broadcasting; y may be a number. */
export function divide(x: Tensor, y: Tensor | number): Tensor {
  return typeof y === "number" ? unary("affine", x, 1 / y, 0) : binary("divide", x, y);
}

/** x + c·y, with broadcasting. */
export function addScaled(x: Tensor, y: Tensor, c: number): Tensor {
  return binary("addScaled", x, y, c);
}

/** 1 where x = y, else 0, with broadcasting. Its gradient is zero. */
export function equal(x: Tensor, y: Tensor): Tensor {
  return binary("equal", x, y);
}

/**
 * x where `condition` is not 0, else the number `otherwise`, with broadcasting; NaN where it is not taken has no
 * effect.
 */
export function where(condition: Tensor, x: Tensor, otherwise: number): Tensor {
  return binary("where", x, condition, otherwise);
}

/** 1 where x is a finite number, else 0. Its gradient is zero. */
export function isFinite(x: Tensor): Tensor {
  return unary("isFinite", x);
}

/**
 * The angle of the point (x, y), in radians from -π to π, with broadcasting: the argument of x + iy. No derivative at
 * the origin.
 */
export function atan2(y: Tensor, x: Tensor): Tensor {
  return binary("atan2", y, x);
}

/**
 * x^exponent by IEEE 754: x⁰ = 1 for every x, 0^exponent is 0 or infinity by the exponent's sign, and a negative x
 * gives NaN unless the exponent is whole. The slope is exponent·x^(exponent-1), so 1 everywhere for x¹ and 0 for
 * x⁰.
 */
export function power(x: Tensor, exponent: number): Tensor {
  if (!Number.isFinite(exponent)) {
    throw new ArgumentError({ where: "power", argument: "exponent", wanted: "a finite number", got: String(exponent) });
  }
  return unary("power", x, exponent, Number.isInteger(exponent) ? Math.abs(exponent % 2) : NOT_WHOLE);
}

/** e^x of each element. */
export const exp = (x: Tensor): Tensor => unary("exp", x);
/** The natural logarithm of each element of x: -∞ at 0, NaN below. */
export const log = (x: Tensor): Tensor => unary("log", x);
/** √x of each element: NaN below 0. */
export const sqrt = (x: Tensor): Tensor => unary("sqrt", x);
/** |x| of each element. Its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => unary("abs", x);
/** The sign of each element of x: -1, 0 or 1. Has no gradient. */
export const sign = (x: Tensor): Tensor => unary("sign", x);
/** x² of each element. */
export const square = (x: Tensor): Tensor => unary("square", x);
/** tanh x of each element. */
export const tanh = (x: Tensor): Tensor => unary("tanh", x);
/** 1 / (1 + e^-x) */
export const sigmoid = (x: Tensor): Tensor => unary("sigmoid", x);
/** max(x, 0) */
export const relu = (x: Tensor): Tensor => unary("relu", x);
/** x/2·(1 + tanh(√(2/π)(x + 0.044715x³))), the tanh form of Hendrycks & Gimpel (arXiv 1606.08415). */
export const gelu = (x: Tensor): Tensor => unary("gelu", x);
/** elu(x) + 1: x + 1 for x > 0, else e^x. */
export const eluPlusOne = (x: Tensor): Tensor => unary("eluPlusOne", x);
/** sin x, in radians; on a GPU to float32 rounding for |x| up to some thousands. */
export const sin = (x: Tensor): Tensor => unary("sin", x);
/** cos x, in radians; on a GPU to float32 rounding for |x| up to some thousands. */
export const cos = (x: Tensor): Tensor => unary("cos", x);

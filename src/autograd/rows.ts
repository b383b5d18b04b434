import { notNegative, tensor } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { add, multiply, square, subtract } from "./arithmetic.js";
import { reshape, sum } from "./broadcast.js";
import { mean } from "./reductions.js";
import { apply, type Differentiable } from "./tape.js";

/** Softmax backward, over the last axis: dx = y (dy - Σ y dy). Inputs y, dy. */
export const softmaxBackwardPrimitive: Differentiable<null> = {
  name: "softmaxBackward",
  infer: ([y]) => [y],
  vjp({ inputs: [y, dy] }, g) {
    const inner = (a: Tensor, b: Tensor): Tensor => sum(multiply(a, b), -1, { keepAxes: true });
    const byY = subtract(multiply(g!, subtract(dy, inner(y, dy))), multiply(dy, inner(g!, y)));
    return [byY, apply(softmaxBackwardPrimitive, [y, g!], null)[0]];
  },
};

/** Over the last axis. */
export const softmaxPrimitive: Differentiable<null> = {
  name: "softmax",
  infer: ([x]) => [x],
  vjp: ({ outputs }, dy) => apply(softmaxBackwardPrimitive, [outputs[0], dy!], null),
};

/** softmax(x)_i = e^{x_i} / Σ_j e^{x_j} over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxPrimitive, [x], null)[0];
}

/** Layer norm backward: dx = r (dy - mean(dy) - y mean(y dy)). Inputs y, r, dy. */
export const normalizeBackwardPrimitive: Differentiable<null> = {
  name: "normalizeBackward",
  infer: ([y]) => [y],
  vjp({ inputs: [y, r, dy] }, g) {
    const average = (x: Tensor): Tensor => mean(x, -1, { keepAxes: true });
    const [byDy] = apply(normalizeBackwardPrimitive, [y, r, g!], null);
    const bracket = subtract(subtract(dy, average(dy)), multiply(y, average(multiply(y, dy))));
    const bent = add(multiply(g!, average(multiply(y, dy))), multiply(dy, average(multiply(g!, y))));
    return [multiply(multiply(bent, column(r)), -1), sum(multiply(g!, bracket), -1), byDy];
  },
};

/** One number a row, as a column beside the rows. */
const column = (r: Tensor): Tensor => reshape(r, [...r.shape, 1]);

/** Outputs y = (x - mean) r and r = 1/√(variance + epsilon), one r a row. */
export const normalizePrimitive: Differentiable<{ readonly epsilon: number }> = {
  name: "normalize",
  infer: ([x]) => [x, x.slice(0, -1)],
  vjp({ outputs: [y, r] }, dy, dr) {
    const byY = dy && apply(normalizeBackwardPrimitive, [y, r, dy], null)[0];
    if (dr === undefined) return [byY];
    const byR = multiply(y, column(multiply(multiply(dr, square(r)), -1 / y.shape.at(-1)!))); // ∂r/∂x = -r² y / width
    return [byY === undefined ? byR : add(byY, byR)];
  },
};

/** Options of `ops.layerNorm`. */
export interface LayerNormOptions {
  /** Multiplies the normalised rows; shape [width]. */
  readonly scale?: Tensor;
  /** Added after the scale; shape [width]. */
  readonly shift?: Tensor;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Layer norm over the last axis: (x - mean(x)) / √(var(x) + ε) · scale + shift (Ba, Kiros & Hinton, arXiv
 * 1607.06450).
 */
export function layerNorm(x: Tensor, options: LayerNormOptions = {}): Tensor {
  const {
    scale,
    shift,
    epsilon = 1e-5,
  } = checkOptions("layerNorm", options, { scale: tensor, shift: tensor, epsilon: notNegative });
  const normalized = apply(normalizePrimitive, [x], { epsilon })[0];
  const scaled = scale === undefined ? normalized : multiply(normalized, scale);
  return shift === undefined ? scaled : add(scaled, shift);
}

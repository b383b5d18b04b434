import { notNegative, tensor } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { add, multiply } from "./arithmetic.js";
import { apply, type Differentiable } from "./tape.js";

/** Softmax backward, over the last axis: dx = y (dy - Σ y dy). Inputs y, dy. */
export const softmaxBackwardPrimitive: Differentiable<null> = {
  name: "softmaxBackward",
  infer: ([y]) => [y],
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
};

/** Outputs y = (x - mean) r and r = 1/√(variance + epsilon), one r a row. */
export const normalizePrimitive: Differentiable<{ readonly epsilon: number }> = {
  name: "normalize",
  infer: ([x]) => [x, x.slice(0, -1)],
  vjp: ({ outputs }, dy) => apply(normalizeBackwardPrimitive, [outputs[0], outputs[1], dy!], null),
};

export interface LayerNormOptions {
  /** Multiplies the normalised rows; shape [width]. */
  readonly scale?: Tensor;
  /** Added after the scale; shape [width]. */
  readonly shift?: Tensor;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/** Layer norm over the last axis: (x - mean(x)) / √(var(x) + ε) · scale + shift (Ba, Kiros & Hinton, arXiv 1607.06450). */
export function layerNorm(x: Tensor, options: LayerNormOptions = {}): Tensor {
  const { scale, shift, epsilon = 1e-5 } = checkOptions("layerNorm", options, { scale: tensor, shift: tensor, epsilon: notNegative });
  const normalized = apply(normalizePrimitive, [x], { epsilon })[0];
  const scaled = scale === undefined ? normalized : multiply(normalized, scale);
  return shift === undefined ? scaled : add(scaled, shift);
}

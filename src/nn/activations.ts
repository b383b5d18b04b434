import { abs, add, exp, gelu, multiply, power, relu, sigmoid, square } from "../autograd/ops.js";
import type { Tensor } from "../core/tensor.js";

/** x·sigmoid(x), also called swish (Elfwing et al., arXiv 1702.03118). */
export const silu = (x: Tensor): Tensor => multiply(x, sigmoid(x));

/** Coefficients a₅ to a₁, and p, of formula 7.1.26 for the error function in Abramowitz & Stegun. */
const SERIES = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592];
const P = 0.3275911;

/**
 * x·Φ(x) with the normal distribution Φ(x) = (1 + erf(x/√2))/2, the form of Hendrycks & Gimpel (arXiv 1606.08415)
 * that BERT and ViT use. `ops.gelu` is its approximation by tanh.
 *
 * erf is formula 7.1.26 of Abramowitz & Stegun, within 1.5e-7: with z = |x|/√2 and t = 1/(1 + p z), erfc(z) =
 * e^(-z²) Σ a_k t^k, and x·Φ(x) = (x + |x|(1 - erfc(z)))/2.
 */
export function geluExact(x: Tensor): Tensor {
  const size = abs(x);
  const t = power(add(multiply(size, P / Math.SQRT2), 1), -1);
  const series = SERIES.reduce<Tensor | undefined>(
    (sum, coefficient) => multiply(t, sum === undefined ? coefficient : add(sum, coefficient)),
    undefined,
  )!;
  const erf = add(multiply(multiply(series, exp(multiply(square(x), -0.5))), -1), 1);
  return multiply(add(x, multiply(size, erf)), 0.5);
}

/** The names of activations, as `config.json` has them. */
export const activations = {
  gelu: geluExact,
  "gelu tanh": gelu,
  "quick gelu": (x: Tensor): Tensor => multiply(x, sigmoid(multiply(x, 1.702))),
  relu,
  silu,
} as const;

/** The name of an activation. */
export type Activation = keyof typeof activations;

import { add, mean, multiply, power, square } from "../autograd/ops.js";
import { notNegative, tensor } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";

/** Options of `rmsNorm`. */
export interface RmsNormOptions {
  /** Multiplies the normalised rows; shape [width]. */
  readonly scale?: Tensor;
  /** Added to the mean square. Default 1e-6, as in Llama. */
  readonly epsilon?: number;
}

/** x / √(mean(x²) + ε) · scale over the last axis (Zhang & Sennrich, arXiv 1910.07467). */
export function rmsNorm(x: Tensor, options: RmsNormOptions = {}): Tensor {
  checkArguments("rmsNorm", { x }, { x: tensor });
  const { scale, epsilon = 1e-6 } = checkOptions("rmsNorm", options, { scale: tensor, epsilon: notNegative });
  const inverse = power(add(mean(square(x), -1, { keepAxes: true }), epsilon), -0.5);
  const normalized = multiply(x, inverse);
  return scale === undefined ? normalized : multiply(normalized, scale);
}

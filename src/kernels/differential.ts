import { add, exp, multiply, power, square, subtract } from "../autograd/arithmetic.js";
import { reshape, sum } from "../autograd/broadcast.js";
import { slice } from "../autograd/slices.js";
import { mean } from "../autograd/reductions.js";
import { flag, whole } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { attention } from "./attention.js";
import { normalNumbers } from "./initial.js";
import type { ComposedKernel, KernelInput } from "./kernel.js";
import { printedKernel } from "./printing.js";
import { softmax } from "./softmax.js";

/** Options of `differential`. */
export interface DifferentialOptions {
  /** The number of the layer, from 0: λ₀ = 0.8 - 0.6 e^(-0.3 depth). Default 0, so λ₀ = 0.2. */
  readonly depth?: number;
  /** Divide every row of a head's output by its root mean square, and multiply it by 1 - λ₀. Default true. */
  readonly normalize?: boolean;
}

/** Added to the mean square, as in the paper's code. */
const EPSILON = 1e-5;

const vector = (name: string): KernelInput => ({ name, shape: ({ dim }) => [dim / 2], initial: normalNumbers(0.1) });

/** x / √(mean(x²) + ε) over the last axis. */
function rootMeanSquareNorm(x: Tensor): Tensor {
  return multiply(x, power(add(mean(square(x), -1, { keepAxes: true }), EPSILON), -0.5));
}

/**
 * Differential attention: out = softmax(q₁k₁ᵀ/√(d/2)) v - λ softmax(q₂k₂ᵀ/√(d/2)) v, where q = (q₁,
 * q₂) and k = (k₁, k₂) are halves along d.
 *
 * λ = e^(a₁·b₁) - e^(a₂·b₂) + λ₀ from `lambdaQuery1` a₁, `lambdaKey1` b₁, `lambdaQuery2` a₂,
 * `lambdaKey2` b₂, each [d/2], which it takes and learns. Each head's output is then RMS-normalised and multiplied by
 * 1 - λ₀; a gain after it would be absorbed by W^O. Source: Ye et al., Differential Transformer, arXiv 2410.05258.
 */
export function differential(options: DifferentialOptions = {}): ComposedKernel {
  const { depth = 0, normalize = true } = checkOptions("differential", options, { depth: whole(0), normalize: flag });
  const lambda0 = 0.8 - 0.6 * Math.exp(-0.3 * depth);
  return {
    ...printedKernel,
    name: "differential",
    widthMultiple: 2,
    options: ["mask", "bias", "softcap"],
    inputs: ["lambdaQuery1", "lambdaKey1", "lambdaQuery2", "lambdaKey2"].map(vector),
    compose({ q, k, v, lambdaQuery1, lambdaKey1, lambdaQuery2, lambdaKey2 }, call) {
      const width = q.shape[3] / 2;
      const half = (start: number): Tensor =>
        attention(softmax(), { q: slice(q, 3, start, width), k: slice(k, 3, start, width), v }, call);
      const growth = (a: Tensor, b: Tensor): Tensor => exp(sum(multiply(a, b)));
      const lambda = add(subtract(growth(lambdaQuery1, lambdaKey1), growth(lambdaQuery2, lambdaKey2)), lambda0);
      const difference = subtract(half(0), multiply(half(width), reshape(lambda, [1])));
      return normalize ? multiply(rootMeanSquareNorm(difference), 1 - lambda0) : difference;
    },
  };
}

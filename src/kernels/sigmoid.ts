import shader from "../../shaders/kernels/sigmoid.wgsl";
import { finite, positive } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { innerProductHook } from "./hooks.js";
import type { TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** Options of `sigmoid`. */
export interface SigmoidOptions {
  /** Added to every score. Default -ln m, which starts a row near a sum of 1. */
  readonly bias?: number;
  /** Multiplies q·k. Default 1/√d. */
  readonly scale?: number;
}

/**
 * Sigmoid attention: w = σ(s) with s = scale·(q·k) + b, no normaliser.
 *
 * Learns b and the scale when tensors `bias` and `scale` are passed. Source: Ramapuram et al., Theory, Analysis, and
 * Best Practices for Sigmoid Self-Attention, arXiv 2409.04431.
 */
export function sigmoid(options: SigmoidOptions = {}): TiledKernel {
  const { bias, scale } = checkOptions("sigmoid", options, { bias: finite, scale: positive });
  return {
    ...printedKernel,
    name: "sigmoid",
    normalizer: "none",
    parameters: [
      { name: "bias", initial: ({ keys }) => bias ?? -Math.log(keys) },
      { name: "scale", initial: ({ dim }) => scale ?? 1 / Math.sqrt(dim) },
    ],
    shaders: [innerProductHook, { file: "kernels/sigmoid.wgsl", text: shader }],
    formula: {
      score: ({ product }, [b, scale]) => scale * product + b,
      partials({ product }, [, scale], into) {
        into.product = scale;
        into.queryNorm = 0;
        into.keyNorm = 0;
        into.parameters[0] = 1;
        into.parameters[1] = product;
      },
      weight: (score) => 1 / (1 + Math.exp(-score)),
      weightDerivative: (_score, weight) => weight * (1 - weight),
    },
  };
}

import shader from "../../shaders/kernels/sigmoid.wgsl";
import { innerProductHook } from "./hooks.js";
import type { TiledKernel } from "./kernel.js";

export interface SigmoidOptions {
  /** Added to every score. Default -ln m, which starts a row near a sum of 1. */
  readonly bias?: number;
}

/**
 * Sigmoid attention: w = σ(s) with s = q·k/√d + b, no normaliser.
 *
 * Learns b when a tensor `bias` is passed. Source: Ramapuram et al., Theory, Analysis, and Best Practices for Sigmoid Self-Attention,
 * arXiv 2409.04431.
 */
export function sigmoid({ bias }: SigmoidOptions = {}): TiledKernel {
  return {
    name: "sigmoid",
    normalizer: "none",
    parameters: [
      { name: "bias", initial: ({ keys }) => bias ?? -Math.log(keys) },
      { name: "scale", initial: ({ dim }) => 1 / Math.sqrt(dim), fixed: true },
    ],
    shaders: [innerProductHook, { file: "kernels/sigmoid.wgsl", text: shader }],
    formula: {
      score: ({ product }, [b, scale]) => scale * product + b,
      partials(_pair, [, scale], into) {
        into.product = scale;
        into.queryNorm = 0;
        into.keyNorm = 0;
        into.parameters[0] = 1;
        into.parameters[1] = 0;
      },
      weight: (score) => 1 / (1 + Math.exp(-score)),
      weightDerivative: (_score, weight) => weight * (1 - weight),
    },
  };
}

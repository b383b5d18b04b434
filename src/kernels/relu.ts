import shader from "../../shaders/kernels/relu.wgsl";
import { innerProductHook } from "./hooks.js";
import type { TiledKernel } from "./kernel.js";

/**
 * ReLU attention: w = max(q·k/√d, 0) / m, with m the number of keys, hidden ones included.
 *
 * Learns nothing. Source: Wortsman, Lee, Gilmer & Kornblith, Replacing softmax with ReLU in Vision Transformers, arXiv 2309.08586.
 */
export function relu(): TiledKernel {
  return {
    name: "relu",
    normalizer: "count",
    parameters: [{ name: "scale", initial: ({ dim }) => 1 / Math.sqrt(dim), fixed: true }],
    shaders: [innerProductHook, { file: "kernels/relu.wgsl", text: shader }],
    formula: {
      score: ({ product }, [scale]) => scale * product,
      partials(_pair, [scale], into) {
        into.product = scale;
        into.queryNorm = 0;
        into.keyNorm = 0;
        into.parameters[0] = 0;
      },
      weight: (score) => Math.max(score, 0),
      weightDerivative: (score) => (score > 0 ? 1 : 0),
    },
  };
}

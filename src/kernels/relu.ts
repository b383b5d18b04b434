import shader from "../../shaders/kernels/relu.wgsl";
import { checkOptions } from "../core/options.js";
import { innerProductHook } from "./hooks.js";
import type { TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";
import { scaledProduct, scaledProductHook, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/**
 * ReLU attention: w = max(scale·(q·k), 0) / m, with m the number of keys, hidden ones included.
 *
 * Learns `scale` when a tensor of that name is passed. Source: Wortsman, Lee, Gilmer & Kornblith, Replacing softmax
 * with ReLU in Vision Transformers, arXiv 2309.08586.
 */
export function relu(options: SoftmaxOptions = {}): TiledKernel {
  const { scale } = checkOptions("relu", options, softmaxOptions);
  return {
    ...printedKernel,
    name: "relu",
    normalizer: "count",
    parameters: [{ name: "scale", initial: ({ dim }) => scale ?? 1 / Math.sqrt(dim) }],
    shaders: [innerProductHook, scaledProductHook, { file: "kernels/relu.wgsl", text: shader }],
    formula: {
      ...scaledProduct,
      weight: (score) => Math.max(score, 0),
      weightDerivative: (score) => (Number.isNaN(score) ? NaN : score > 0 ? 1 : 0),
    },
  };
}

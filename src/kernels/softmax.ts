import shader from "../../shaders/kernels/softmax.wgsl";
import { positive } from "../core/kinds.js";
import { checkOptions, type Kinds } from "../core/options.js";
import { exponentialHook, exponentialWeight, innerProductHook } from "./hooks.js";
import type { Formula, Shader, TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** Options of `softmax`. */
export interface SoftmaxOptions {
  /** Multiplies q·k. Default 1/√d. */
  readonly scale?: number;
}

export const softmaxOptions: Kinds<SoftmaxOptions> = { scale: positive };

/** s = scale·(q·k) in WGSL. */
export const scaledProductHook: Shader = { file: "kernels/softmax.wgsl", text: shader };

/** s = scale·(q·k) in float64. */
export const scaledProduct: Pick<Formula, "score" | "partials"> = {
  score: ({ product }, [scale]) => scale * product,
  partials({ product }, [scale], into) {
    into.product = scale;
    into.queryNorm = 0;
    into.keyNorm = 0;
    into.parameters[0] = product;
  },
};

/**
 * Scaled dot-product attention: s = scale·(q·k), weights e^s divided by their row sum.
 *
 * Learns `scale` (one number, or one a head) when a tensor of that name is passed. Source: Vaswani et al., arXiv
 * 1706.03762.
 */
export function softmax(options: SoftmaxOptions = {}): TiledKernel {
  const { scale } = checkOptions("softmax", options, softmaxOptions);
  return {
    ...printedKernel,
    name: "softmax",
    normalizer: "softmax",
    parameters: [{ name: "scale", initial: ({ dim }) => scale ?? 1 / Math.sqrt(dim) }],
    shaders: [innerProductHook, exponentialHook, scaledProductHook],
    derivativeBounds: ([scale]) => ({ of: "query", slope: scale, keys: "product" }),
    formula: { ...exponentialWeight, ...scaledProduct },
  };
}

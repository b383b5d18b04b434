import { checkOptions } from "../core/options.js";
import type { TiledKernel } from "./kernel.js";
import { softmax, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/**
 * Symmetric attention: softmax attention whose queries and keys come from one projection, s_ij = s_ji.
 *
 * The kernel is that of softmax; pass the same tensor as q and k, and its gradient has both contributions. Source:
 * Courtois et al., Symmetric Dot-Product Attention for Efficient Training of BERT Language Models, arXiv 2406.06366.
 */
export function symmetric(options: SoftmaxOptions = {}): TiledKernel {
  return { ...softmax(checkOptions("symmetric", options, softmaxOptions)), name: "symmetric", projections: "shared" };
}

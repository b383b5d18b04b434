import { matmul } from "../autograd/matmul.js";
import { checkOptions } from "../core/options.js";
import { normalNumbers } from "./initial.js";
import type { TiledKernel } from "./kernel.js";
import { softmax, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/**
 * Pairwise attention: s = qᵀPk/√d with a free matrix P for every head, weights e^s divided by their row sum.
 *
 * Takes and learns `coupling` [heads, d, d]. The paper draws P from N(0, 1) and takes q and k from one projection: pass
 * the same tensor as both. Source: Courtois et al., arXiv 2406.06366.
 */
export function pairwise(options: SoftmaxOptions = {}): TiledKernel {
  return {
    ...softmax(checkOptions("pairwise", options, softmaxOptions)),
    name: "pairwise",
    inputs: [{ name: "coupling", shape: ({ heads, dim }) => [heads, dim, dim], initial: normalNumbers(1) }],
    projections: "shared",
    prepare: ({ q, k, v, coupling }) => ({ q: matmul(q, coupling), k, v }),
  };
}

import { matmul } from "../autograd/matmul.js";
import { checkOptions } from "../core/options.js";
import { gaussian, gaussianOptions, type GaussianOptions } from "./gaussian.js";
import { repeatHeads } from "./heads.js";
import { identityMatrices } from "./initial.js";
import type { TiledKernel } from "./kernel.js";

/**
 * Mahalanobis attention: s = -γ/2 (q-k)ᵀM(q-k), weights e^s, divided by their row sum if `normalize` is set.
 *
 * Takes and learns `metric` [heads, d, d], a factor A of M = A Aᵀ, which is positive semidefinite by construction;
 * and γ. It is the Gaussian of qA and kA. Derived for this library.
 */
export function mahalanobis(options: GaussianOptions = {}): TiledKernel {
  const kernel = gaussian(checkOptions("mahalanobis", options, gaussianOptions));
  return {
    ...kernel,
    name: kernel.name.replace("gaussian", "mahalanobis"),
    inputs: [{ name: "metric", shape: ({ heads, dim }) => [heads, dim, dim], initial: identityMatrices }],
    prepare: ({ q, k, v, metric }) => ({
      q: matmul(q, metric),
      k: matmul(repeatHeads(k, q.shape[1]), metric),
      v: repeatHeads(v, q.shape[1]),
    }),
  };
}

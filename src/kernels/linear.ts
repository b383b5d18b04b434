import { divide, eluPlusOne } from "../autograd/arithmetic.js";
import { sum } from "../autograd/broadcast.js";
import { matmul } from "../autograd/matmul.js";
import type { ComposedKernel } from "./kernel.js";
import { repeatHeads } from "./mahalanobis.js";

/**
 * Linear attention: out_i = φ(q_i)ᵀA / φ(q_i)·z with A = Σ_j φ(k_j) v_jᵀ, z = Σ_j φ(k_j) and φ(x) = elu(x) + 1.
 *
 * Time and memory O(n + m) in both directions: no n × m array exists. Learns nothing. Source: Katharopoulos et al., Transformers are
 * RNNs, arXiv 2006.16236.
 */
export function linear(): ComposedKernel {
  return {
    name: "linear",
    compose({ q, k, v }) {
      const heads = q.shape[1];
      const features = eluPlusOne(q);
      const keys = eluPlusOne(repeatHeads(k, heads));
      const memory = matmul(keys, repeatHeads(v, heads), { transposeA: true });
      const total = sum(keys, 2, { keepAxes: true });
      return divide(matmul(features, memory), matmul(features, total, { transposeB: true }));
    },
  };
}

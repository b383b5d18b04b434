import { anyNumber, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { NORMAL_QUANTILE, studentQuantile } from "../numerics/mean-interval.js";

/**
 * The c below which |cos| of two independent random directions in R^D stays with probability 95 %.
 *
 * The cosine of N(0, I) vectors is distributed as t/√(t² + D - 1) with t of Student's distribution with D - 1 degrees of freedom. The modes u_m, v_m of
 * W_qᵀW_k are such a pair where W_q and W_k are independent with N(0, 1) entries, because the modes turn with either factor alone. About 1.96/√D.
 */
export function cosineNoise(width: number): number {
  checkArguments("cosineNoise", { width }, { width: whole(1) });
  if (width === 1) return 1; // there every cosine is 1 or -1
  const t = studentQuantile(width - 1);
  return t / Math.sqrt(t ** 2 + width - 1);
}

/**
 * The half-width of the band in which a weighted mean of such cosines lies with probability about 95 %: `1.96 √(Σw²/D)`.
 *
 * Cosines of different modes are uncorrelated, since the sign of one u_m alone is as random as all, and of variance 1/D; the mean is taken as normal.
 */
export function meanCosineNoise(width: number, squaredWeights: number): number {
  checkArguments("meanCosineNoise", { width, squaredWeights }, { width: whole(1), squaredWeights: anyNumber });
  return NORMAL_QUANTILE * Math.sqrt(squaredWeights / width);
}

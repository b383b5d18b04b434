import { anyNumber, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { NORMAL_QUANTILE, studentQuantile } from "../numerics/mean-interval.js";

/**
 * The bound c that |cos| of two independent random directions in R^D does not exceed with probability 95 %; about
 * 1.96/√D, D = `width`.
 *
 * The cosine of two N(0, I) vectors is distributed as t/√(t² + D - 1), where t has Student's distribution with D - 1
 * degrees of freedom. If W_q and W_k are independent with N(0, 1) entries, the modes u_m, v_m of W_qᵀW_k are such a
 * pair: rotating one factor rotates the modes of its side alone.
 */
export function cosineNoise(width: number): number {
  checkArguments("cosineNoise", { width }, { width: whole(1) });
  if (width === 1) return 1; // every cosine is then 1 or -1
  const t = studentQuantile(width - 1);
  return t / Math.sqrt(t ** 2 + width - 1);
}

/**
 * The half-width of the band that contains a weighted mean of such cosines with probability of about 95 %: `1.96
 * √(Σw²/D)`, with D = `width` and Σw² = `squaredWeights`, as `summarizeCosines` gives it.
 *
 * Each cosine has variance 1/D. Cosines of different modes are uncorrelated, because each u_m has an independent random
 * sign. The mean is approximated as normal.
 */
export function meanCosineNoise(width: number, squaredWeights: number): number {
  checkArguments("meanCosineNoise", { width, squaredWeights }, { width: whole(1), squaredWeights: anyNumber });
  return NORMAL_QUANTILE * Math.sqrt(squaredWeights / width);
}

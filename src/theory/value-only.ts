import type { Rank } from "./spectrum.js";

/**
 * Theorem T1's constants: `σ_min(J)² ≥ μ` and `σ_max(J)² ≤ L` for the Jacobian J of the outputs in the value
 * weights.
 */
export interface ValueOnlyConstants {
  /** μ, the Polyak-Łojasiewicz constant: `‖∇f‖² ≥ 2μf`. */
  readonly curvature: number;
  /** L, the Lipschitz constant of the gradient. */
  readonly smoothness: number;
}

/**
 * `μ = σ_min(B)² min_h σ_min(W^O_h)²` and `L = σ_max(B)² max_h σ_max(W^O_h)²`.
 *
 * Every singular value is shifted by its worst-case rounding error to the safe side: down in μ, up in L.
 */
export function valueOnlyConstants(stacked: Rank, outputs: readonly Rank[]): ValueOnlyConstants {
  const lower = ({ smallest, threshold }: Rank): number => Math.max(0, smallest - threshold);
  const upper = ({ largest, threshold }: Rank): number => largest + threshold;
  return {
    curvature: (lower(stacked) * Math.min(...outputs.map(lower))) ** 2,
    smoothness: (upper(stacked) * Math.max(...outputs.map(upper))) ** 2,
  };
}

import type { Matrix } from "ml-matrix";
import type { Condition } from "./condition.js";
import { numericalRank, type Rank } from "./spectrum.js";

/** Whether the stacked kernel matrix `B = [S_ih X_i]` ∈ R^{Nn×HD} has full row rank Nn. */
export function kernelMatrixRank(stacked: Matrix): { rank: Rank; condition: Condition } {
  const rank = numericalRank(stacked, stacked.rows);
  const condition: Condition = {
    name: "kernelMatrixRank",
    holds: rank.holds,
    value: rank.smallest,
    threshold: rank.threshold,
    margin: rank.smallest - rank.threshold,
    note:
      `The stacked kernel matrix [${stacked.rows}, ${stacked.columns}] must have full row rank: ` +
      `its smallest singular value ${rank.smallest.toExponential(2)} against ` +
      `${rank.threshold.toExponential(2)}, where float64 cannot tell it from 0.`,
  };
  return { rank, condition };
}

/** Whether `H·D ≥ N·n` (Σ n_i if lengths differ). Otherwise B cannot have full row rank. The test is exact. */
export function headsTimesWidth(stacked: Matrix): Condition {
  const { rows, columns } = stacked;
  return {
    name: "headsTimesWidth",
    holds: columns >= rows,
    value: columns,
    threshold: rows,
    margin: columns - rows,
    note: `Heads times width (${columns}) must be at least the number of tokens of all samples (${rows}).`,
  };
}

import type { Condition } from "./condition.js";
import type { Head } from "./problem.js";
import { numericalRank, type Rank } from "./spectrum.js";

/** Whether every W^O_h [d_v, d_o] has full column rank; the condition shows the head that is closest to losing it. */
export function outputRank(heads: readonly Head[]): { ranks: readonly Rank[]; condition: Condition } {
  const ranks = heads.map(({ output }) => numericalRank(output, output.columns));
  // Relative to σ_max, so that heads of different scale compare; a zero matrix is the worst there is.
  const relativeMargin = ({ smallest, largest, threshold }: Rank): number =>
    largest === 0 ? -Infinity : (smallest - threshold) / largest;
  const worst = ranks.reduce((least, rank, head) => (relativeMargin(rank) < relativeMargin(ranks[least]) ? head : least), 0);
  const { holds, smallest, threshold } = ranks[worst];
  const condition: Condition = {
    name: "outputRank",
    holds,
    value: smallest,
    threshold,
    margin: smallest - threshold,
    note: `Every output matrix must have full column rank; head ${worst} is the closest to losing it.`,
  };
  return { ranks, condition };
}

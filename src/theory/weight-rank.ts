import type { Condition, ConditionName } from "./condition.js";
import type { Head, WeightName } from "./problem.js";
import { numericalRank, type Rank } from "./spectrum.js";

const conditions = {
  query: "queryRank",
  key: "keyRank",
  value: "valueRank",
  output: "outputRank",
} as const satisfies Record<WeightName, ConditionName>;

/** The extreme singular values of one weight over all heads. */
export interface SingularValueExtremes {
  /** max_h σ_max */
  readonly largest: number;
  /** min_h σ_min, of min(rows, columns) singular values */
  readonly smallest: number;
}

/**
 * Whether the matrices of one weight have full rank in every head: full column rank for W^O_h [d_v, d_o], rank
 * min(rows, columns) for the others. The condition reports the head that is closest to losing it.
 */
export function weightRank(
  heads: readonly Head[],
  name: WeightName,
): { ranks: readonly Rank[]; condition: Condition; extremes: SingularValueExtremes } {
  const wanted = (head: Head): number =>
    name === "output" ? head.output.columns : Math.min(head[name].rows, head[name].columns);
  const ranks = heads.map((head) => numericalRank(head[name], wanted(head)));
  // Relative to σ_max, so that heads of different scale are comparable. A zero matrix is the worst.
  const relativeMargin = ({ smallest, largest, threshold }: Rank): number =>
    largest === 0 ? -Infinity : (smallest - threshold) / largest;
  const worst = ranks.reduce(
    (least, rank, head) => (relativeMargin(rank) < relativeMargin(ranks[least]) ? head : least),
    0,
  );
  const { holds, smallest, threshold } = ranks[worst];
  const condition: Condition = {
    name: conditions[name],
    holds,
    value: smallest,
    threshold,
    margin: smallest - threshold,
    note:
      `Every ${name} matrix must have full ${name === "output" ? "column " : ""}rank; head ${worst} is the ` +
      "closest to losing it.",
  };
  const extremes = {
    largest: Math.max(...ranks.map(({ largest }) => largest)),
    smallest: Math.min(...ranks.map((rank) => rank.smallest)),
  };
  return { ranks, condition, extremes };
}

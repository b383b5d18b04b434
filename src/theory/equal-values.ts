import type { Matrix } from "ml-matrix";
import type { Normalizer } from "../kernels/kernel.js";
import { typicalRounding, worstCaseRounding } from "../numerics/rounding.js";
import type { Condition } from "./condition.js";
import { exceeds } from "./condition.js";
import type { Evaluation } from "./model.js";
import type { CheckedProblem } from "./problem.js";

interface Reach {
  readonly holds: boolean | "undetermined";
  readonly value: number;
  readonly threshold: number;
}

/** Samples whose output no change of the attention weights can move. */
export interface Unreachable {
  readonly count: number;
  /** `½ Σ ‖Ŷ_i - Y_i‖²` over these samples: training W^Q and W^K cannot reduce the loss below this. */
  readonly lossFloor: number;
}

/** The largest norm of a row. If the weights of a row sum to 1, the mean row is subtracted first. */
function spread(values: Matrix, rowNormalized: boolean): number {
  // Return exactly 0 for one token or identical rows: a rounded mean would not.
  if (
    rowNormalized &&
    values.to2DArray().every((row) => row.every((number, column) => number === values.get(0, column)))
  )
    return 0;
  const rows = rowNormalized ? values.clone().center("column") : values;
  return Math.max(...rows.to2DArray().map((row) => Math.hypot(...row)));
}

/**
 * Whether the attention weights of every sample can move its output (theorem T4).
 *
 * Row-normalised weights cannot move it if all rows of `X_i W^V_h W^O_h` are equal in every head. Other weights
 * cannot if these rows are all 0. In both cases the gradient in W^Q and W^K is identically zero.
 */
export function weightsReachOutput(
  { inputs, heads }: CheckedProblem,
  { values, losses, similarities }: Evaluation,
  normalizer: Normalizer,
): { condition: Condition; unreachable: Unreachable } {
  // the rows of `count` do not sum to 1, nor does one of `sum` whose weights are all 0
  const rowNormalized =
    normalizer === "softmax" ||
    (normalizer === "sum" && similarities.flat().every((own) => own.to2DArray().every((row) => row.some(Boolean))));
  const reaches = inputs.map((input, i): Reach => {
    const perHead = heads.map(({ value, output }, h): Reach => {
      const size = Math.max(input.rows, input.columns, value.columns);
      const scale = input.norm("frobenius") * value.norm("frobenius") * output.norm("frobenius");
      const reached = spread(values[i][h], rowNormalized);
      const threshold = worstCaseRounding(size, scale);
      return { holds: exceeds(reached, threshold, typicalRounding(size, scale)), value: reached, threshold };
    });
    // One head that can move the output is enough.
    return perHead.reduce((best, reach) =>
      reach.value - reach.threshold > best.value - best.threshold ? reach : best,
    );
  });
  const worst = reaches.reduce((least, reach) =>
    reach.value - reach.threshold < least.value - least.threshold ? reach : least,
  );
  const blocked = losses.filter((_, i) => reaches[i].holds === false);
  const rows = rowNormalized ? "differ from each other" : "differ from 0";
  const condition: Condition = {
    name: "weightsReachOutput",
    holds: worst.holds,
    value: worst.value,
    threshold: worst.threshold,
    margin: worst.value - worst.threshold,
    note:
      `In every sample the value rows of some head must ${rows}; ${blocked.length} of ${inputs.length} ` +
      "samples fail, and query and key weights get no gradient from them.",
  };
  return { condition, unreachable: { count: blocked.length, lossFloor: blocked.reduce((sum, loss) => sum + loss, 0) } };
}

import type { Condition } from "./condition.js";
import { exceeds } from "./condition.js";
import type { Evaluation } from "./model.js";

/** The smallest normal float32. GPUs may flush smaller numbers to zero. */
const SMALLEST_FLOAT32 = 2 ** -126;

/**
 * Whether every token keeps an attention weight that float32 can represent.
 *
 * The weights of an unnormalised Gaussian underflow once γ‖q-k‖² exceeds about 170. A row whose weights all
 * underflow has no output and no gradient. The value is the least row maximum of |S|. Its rounding is that of the
 * score: ε·|log w| relative to w.
 */
export function weightsRepresentable({ similarities }: Evaluation): Condition {
  const weights = similarities.flat();
  const maxima = weights.flatMap((similarity) => similarity.to2DArray().map((row) => Math.max(...row.map(Math.abs))));
  const value = Math.min(...maxima);
  const all = weights.flatMap((similarity) => similarity.to1DArray());
  const lost = all.filter((weight) => Math.abs(weight) < SMALLEST_FLOAT32).length;
  const rounding = value === 0 ? 0 : Number.EPSILON * Math.abs(Math.log(value)) * value;
  return {
    name: "weightsRepresentable",
    holds: exceeds(value, SMALLEST_FLOAT32, rounding),
    value,
    threshold: SMALLEST_FLOAT32,
    margin: value - SMALLEST_FLOAT32,
    note:
      `Every token must keep a weight above the smallest float32; ${lost} of ${all.length} weights are ` +
      "below, and get no gradient on a GPU.",
  };
}

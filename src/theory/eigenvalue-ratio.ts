import type { Condition } from "./condition.js";
import type { WeightName } from "./problem.js";
import type { SingularValueExtremes } from "./weight-rank.js";

/**
 * The ratio `max_h(σ_max(W^Q_h), σ_max(W^K_h)) / min_h σ_min(W^V_h)` and its reciprocal.
 *
 * The paper bounds such a ratio. Published accounts disagree on the direction and none gives the bound, so both are
 * reported and neither is judged. In measurements gradient descent does better if the first is small.
 */
export function eigenvalueRatios(extremes: Readonly<Record<WeightName, SingularValueExtremes>>): Condition[] {
  const queryKey = Math.max(extremes.query.largest, extremes.key.largest);
  const value = extremes.value.smallest;
  const unjudged = { holds: "undetermined", threshold: null, margin: null } as const;
  return [
    {
      name: "queryKeyOverValue",
      ...unjudged,
      value: queryKey / value,
      note:
        "Largest singular value of the query and key matrices over the smallest of the value matrices; no " +
        "threshold is known.",
    },
    {
      name: "valueOverQueryKey",
      ...unjudged,
      value: value / queryKey,
      note:
        "Smallest singular value of the value matrices over the largest of the query and key matrices; no " +
        "threshold is known.",
    },
  ];
}

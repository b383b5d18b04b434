import { ArgumentError } from "../core/errors.js";
import type { Unreachable } from "./equal-values.js";
import type { CheckedProblem, WeightName } from "./problem.js";
import type { ValueOnlyConstants } from "./value-only.js";

/** A guarantee for gradient descent with steps of `stepSize`: `f_t ≤ (1 - rate)^t f_0`. */
interface Certified {
  readonly theorem: "T1";
  readonly certified: true;
  readonly reason: string;
  /** η. */
  readonly stepSize: number;
  /** `ημ`, the fraction of the loss that every step removes at least. */
  readonly rate: number;
  /** `(1 - ημ)^t f_0`, an upper bound of the loss after `step` steps in exact arithmetic; a float64 loss bottoms out near `ε²‖Y‖²`. */
  predictedLoss(step: number): number;
}

/** No guarantee. This never says that gradient descent will fail, except for `lossFloor`. */
interface NotCertified {
  readonly theorem: "T1" | "T4";
  readonly certified: false;
  readonly reason: string;
  /** A step size at which the loss cannot rise, where one is known. */
  readonly stepSize: number | null;
  readonly rate: null;
  readonly predictedLoss: null;
  /** The loss cannot fall below this, by T4; null where nothing is known. */
  readonly lossFloor: number | null;
}

export type Certificate = Certified | NotCertified;

/** Theorem T4: why training only W^Q and W^K cannot reach zero loss. */
export function degenerateCertificate({ count, lossFloor }: Unreachable, { inputs }: CheckedProblem): NotCertified {
  const reason =
    count === inputs.length
      ? "Attention weights cannot move the output of any sample, so the gradient in the query and key weights is identically zero."
      : `Attention weights cannot move the output of ${count} of ${inputs.length} samples, so the loss cannot fall below theirs.`;
  return { theorem: "T4", certified: false, reason, stepSize: null, rate: null, predictedLoss: null, lossFloor };
}

/** Theorem T1 where it does not apply: other weights than W^V move. */
export function uncoveredCertificate(trainable: ReadonlySet<WeightName>): NotCertified {
  const reason = `T1 covers training the value weights alone; here ${[...trainable].join(", ")} move.`;
  return { theorem: "T1", certified: false, reason, stepSize: null, rate: null, predictedLoss: null, lossFloor: null };
}

/** Theorem T1 for `η = stepSize`, by default the largest step it allows, `1/L`. `unmet` lists conditions that are not known to hold. */
export function valueOnlyCertificate(
  { curvature, smoothness }: ValueOnlyConstants,
  initialLoss: number,
  unmet: readonly string[],
  stepSize?: number,
): Certificate {
  const largest = smoothness > 0 ? 1 / smoothness : null;
  const refuse = (reason: string): NotCertified => {
    return { theorem: "T1", certified: false, reason, stepSize: largest, rate: null, predictedLoss: null, lossFloor: null };
  };
  if (unmet.length > 0) return refuse(`T1 needs ${unmet.join(" and ")} to hold.`);
  if (largest === null || !(curvature > 0) || !Number.isFinite(largest)) {
    return refuse("T1's constants μ and L are not positive, finite float64 numbers; scale the problem.");
  }
  if (stepSize !== undefined && stepSize > largest) {
    return refuse(`T1 needs a step size of at most 1/L = ${largest.toPrecision(6)}, got ${stepSize}.`);
  }
  const step = stepSize ?? largest;
  const rate = step * curvature;
  return {
    theorem: "T1",
    certified: true,
    reason: "The stacked kernel matrix has full row rank and every output matrix full column rank, and only the value weights move.",
    stepSize: step,
    rate,
    predictedLoss(steps) {
      if (!(steps >= 0)) {
        throw new ArgumentError({ where: "predictedLoss", argument: "step", wanted: "a number of steps of at least 0", got: String(steps) });
      }
      // (1 - rate)^t, also where 1 - rate rounds to 1; rate = 1 leaves nothing after one step.
      return steps === 0 ? initialLoss : initialLoss * Math.exp(steps * Math.log1p(-rate));
    },
  };
}

import { ArgumentError } from "../core/errors.js";
import type { AnySubsetConstants } from "./any-subset.js";
import type { Unreachable } from "./equal-values.js";
import type { CheckedProblem, WeightName } from "./problem.js";
import type { ValueOnlyConstants } from "./value-only.js";

/** A guarantee for gradient descent with steps of `stepSize`: `f_t ≤ (1 - rate)^t f_0`. */
export interface Certified {
  readonly theorem: "T1" | "T2";
  readonly certified: true;
  /** False if a constant of T2 was sampled, or bounded only with high probability: evidence, not proof. */
  readonly rigorous: boolean;
  readonly reason: string;
  /** η. */
  readonly stepSize: number;
  /** A step size that is certified, at least η; longer ones may be certified too. */
  readonly largestStepSize: number;
  /** The least fraction of the loss that a step removes: `ημ` (T1), `1 - (1 - ηm*²)²` (T2). */
  readonly rate: number;
  /**
   * `(1 - rate)^t f_0`, an upper bound of the loss after `step` steps in exact arithmetic. Rounding keeps a float64
   * loss from falling below about `ε²‖Y‖²`.
   */
  predictedLoss(step: number): number;
}

/** No guarantee. Gradient descent may still converge, unless `lossFloor` says otherwise. */
export interface NotCertified {
  readonly theorem: "T1" | "T2" | "T4";
  readonly certified: false;
  readonly reason: string;
  /** A step size at which the loss cannot rise; null if none is known. */
  readonly stepSize: number | null;
  readonly rate: null;
  readonly predictedLoss: null;
  /** The loss cannot fall below this, by T4; null if no bound is known. */
  readonly lossFloor: number | null;
}

/** Whether gradient descent is guaranteed to converge, and how fast. */
export type Certificate = Certified | NotCertified;

export function refuse(
  theorem: NotCertified["theorem"],
  reason: string,
  { stepSize = null, lossFloor = null }: Partial<NotCertified> = {},
): NotCertified {
  return { theorem, certified: false, reason, stepSize, rate: null, predictedLoss: null, lossFloor };
}

/** `f_t ≤ (1 - rate)^t f_0`. */
export function guarantee(
  { theorem, rigorous, reason, stepSize, largestStepSize, rate }: Omit<Certified, "certified" | "predictedLoss">,
  initialLoss: number,
): Certified {
  return {
    theorem,
    certified: true,
    rigorous,
    reason,
    stepSize,
    largestStepSize,
    rate,
    predictedLoss(steps) {
      if (!(steps >= 0)) {
        throw new ArgumentError({
          where: "predictedLoss",
          argument: "step",
          wanted: "a number of steps of at least 0",
          got: String(steps),
        });
      }
      // (1 - rate)^t, accurate even if 1 - rate rounds to 1. For rate = 1 it is 0 after one step.
      return steps === 0 ? initialLoss : initialLoss * Math.exp(steps * Math.log1p(-rate));
    },
  };
}

/** Theorem T4: why training only W^Q and W^K cannot reach zero loss. */
export function degenerateCertificate({ count, lossFloor }: Unreachable, { inputs }: CheckedProblem): NotCertified {
  const reason =
    count === inputs.length
      ? "Attention weights cannot move the output of any sample, so the gradient in the query and key weights " +
        "is identically zero."
      : `Attention weights cannot move the output of ${count} of ${inputs.length} samples, so the loss cannot ` +
        "fall below theirs.";
  return refuse("T4", reason, { lossFloor });
}

/**
 * Theorem T2 for `η = stepSize`, by default `1/smoothness`. `unmet` lists conditions that are not
 * known to hold.
 */
export function anySubsetCertificate(
  { curvature, smoothness, rigorous, basis }: AnySubsetConstants,
  initialLoss: number,
  trainable: ReadonlySet<WeightName>,
  unmet: readonly string[],
  stepSize?: number,
): Certificate {
  const names = [...trainable].join(", ");
  if (unmet.length > 0) return refuse("T2", `T2 needs ${unmet.join(" and ")} to hold where ${names} move.`);
  const largest = 1 / smoothness;
  if (!(curvature > 0) || !(largest > 0) || !Number.isFinite(largest)) {
    return refuse("T2", "T2's constants are not positive, finite float64 numbers; scale the problem.");
  }
  if (stepSize !== undefined && stepSize > largest) {
    return refuse("T2", `T2 needs a step size of at most ${largest.toPrecision(6)}, got ${stepSize}.`, {
      stepSize: largest,
    });
  }
  const step = stepSize ?? largest;
  const contraction = step * curvature;
  const reason = `The Jacobian in ${names} has full row rank and changes little on the way to zero loss (${basis}).`;
  return guarantee(
    {
      theorem: "T2",
      rigorous,
      reason,
      stepSize: step,
      largestStepSize: largest,
      rate: contraction * (2 - contraction),
    },
    initialLoss,
  );
}

/**
 * Theorem T1 for `η = stepSize`, by default the largest step that it allows, `1/L`. `unmet` lists conditions that are
 * not known to hold.
 */
export function valueOnlyCertificate(
  { curvature, smoothness }: ValueOnlyConstants,
  initialLoss: number,
  unmet: readonly string[],
  stepSize?: number,
): Certificate {
  const largest = smoothness > 0 ? 1 / smoothness : null;
  if (unmet.length > 0) return refuse("T1", `T1 needs ${unmet.join(" and ")} to hold.`, { stepSize: largest });
  if (largest === null || !(curvature > 0) || !Number.isFinite(largest)) {
    return refuse("T1", "T1's constants μ and L are not positive, finite float64 numbers; scale the problem.", {
      stepSize: largest,
    });
  }
  if (stepSize !== undefined && stepSize > largest) {
    return refuse("T1", `T1 needs a step size of at most 1/L = ${largest.toPrecision(6)}, got ${stepSize}.`, {
      stepSize: largest,
    });
  }
  const reason =
    "The stacked kernel matrix has full row rank and every output matrix full column rank, and only the " +
    "value weights move.";
  const step = stepSize ?? largest;
  return guarantee(
    { theorem: "T1", rigorous: true, reason, stepSize: step, largestStepSize: largest, rate: step * curvature },
    initialLoss,
  );
}

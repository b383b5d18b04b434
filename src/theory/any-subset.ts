import type { TiledKernel } from "../kernels/kernel.js";
import { typicalRounding } from "../numerics/rounding.js";
import { exceeds, type Condition } from "./condition.js";
import { FAILURE_PROBABILITY, jacobianSpectrum } from "./jacobian-spectrum.js";
import { linearize } from "./linearization.js";
import { provedLipschitz, type Lipschitz } from "./lipschitz.js";
import type { CheckedProblem, WeightName } from "./problem.js";
import { sampledLipschitz } from "./sampled-lipschitz.js";

/** Theorem T2's constants. */
export interface AnySubsetConstants {
  /** m*² = σ_min(J_0)² - 2 L_J‖r_0‖: on the path σ_min(J) is at least m*. */
  readonly curvature: number;
  /** (σ_max(J_0) + σ_min(J_0) - m*)²: on the path σ_max(J) is at most its root. */
  readonly smoothness: number;
  /** Whether every constant is proved. */
  readonly rigorous: boolean;
  /** How the constants were obtained, in words. */
  readonly basis: string;
}

/**
 * Whether there are at least as many trained numbers as outputs. Otherwise J cannot have full row rank. The test is
 * exact.
 */
function trainableParameters(rows: number, columns: number): Condition {
  return {
    name: "trainableParameters",
    holds: columns >= rows,
    value: columns,
    threshold: rows,
    margin: columns - rows,
    note: `The trained numbers (${columns}) must be at least as many as the outputs (${rows}).`,
  };
}

/**
 * The conditions and constants of theorem T2 for gradient descent on any subset of the weights.
 *
 * σ_0 = σ_min(J_0) must be positive and h = 2 L_J‖r_0‖/σ_0² below 1. L_J is a Lipschitz constant of J on the
 * ball of radius 2‖r_0‖/σ_0: proved if a bound is known, else sampled. Singular values are shifted by their
 * rounding error to the safe side.
 */
export function anySubset(
  problem: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
  stackedNorm: number,
): { conditions: Condition[]; constants: AnySubsetConstants } {
  const { residual, jacobian } = linearize(problem, kernel, trainable);
  const { smallest, largest, rounding, method } = jacobianSpectrum(jacobian);
  const size = Math.max(jacobian.rows, jacobian.columns);
  const sigma = Math.max(0, smallest - rounding);
  const distance = Math.hypot(...residual);
  const rank: Condition = {
    name: "jacobianRank",
    holds: exceeds(smallest, rounding, typicalRounding(size, largest)),
    value: smallest,
    threshold: rounding,
    margin: smallest - rounding,
    note:
      `The Jacobian of the outputs [${jacobian.rows}, ${jacobian.columns}] must have full row rank ` +
      `(${method} singular values).`,
  };
  const radius = (2 * distance) / sigma;
  const lipschitz = ((): Lipschitz | null => {
    if (rank.holds !== true) return null;
    const proved = provedLipschitz(problem, kernel, trainable, radius, stackedNorm);
    if (proved !== null) return proved;
    const value = sampledLipschitz(problem, kernel, trainable, { radius, enough: sigma ** 2 / (2 * distance) });
    return { value, rigorous: false, note: "sampled, not rigorous" };
  })();
  const nearlyLinear: Condition =
    lipschitz === null
      ? {
          name: "nearlyLinear",
          holds: "undetermined",
          value: sigma ** 2,
          threshold: null,
          margin: null,
          note: "Not judged: it needs a Jacobian of full row rank.",
        }
      : nearlyLinearCondition(sigma, lipschitz, distance, typicalRounding(size, 2 * sigma * largest));
  const curvature = lipschitz === null ? 0 : Math.max(0, sigma ** 2 - 2 * lipschitz.value * distance);
  const constants: AnySubsetConstants = {
    curvature,
    smoothness: (largest + rounding + sigma - Math.sqrt(curvature)) ** 2,
    rigorous: lipschitz?.rigorous === true && method === "exact",
    basis: [
      `L_J ${lipschitz?.note ?? "unknown"}`,
      ...(method === "exact" ? [] : [`singular values bounded with probability 1 - ${FAILURE_PROBABILITY}`]),
    ].join("; "),
  };
  return { conditions: [trainableParameters(jacobian.rows, jacobian.columns), rank, nearlyLinear], constants };
}

/** Whether σ_0² exceeds 2 L_J‖r_0‖. Then the loss can reach zero before the Jacobian can lose its rank. */
export function nearlyLinearCondition(
  sigma: number,
  { value: constant, note }: Lipschitz,
  distance: number,
  rounding: number,
): Condition {
  const value = sigma ** 2;
  const threshold = 2 * constant * distance;
  return {
    name: "nearlyLinear",
    holds: exceeds(value, threshold, rounding),
    value,
    threshold,
    margin: value - threshold,
    note:
      `σ_min(J)² must exceed 2 L_J‖Ŷ - Y‖; h = ${(threshold / value).toPrecision(3)} must be below 1 (L_J = ` +
      `${constant.toPrecision(3)}, ${note}).`,
  };
}

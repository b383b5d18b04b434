import type { TiledKernel } from "../kernels/kernel.js";
import { ballLipschitz } from "./ball-lipschitz.js";
import { FAILURE_PROBABILITY, jacobianSpectrum } from "./jacobian-spectrum.js";
import { linearize } from "./linearization.js";
import type { Lipschitz } from "./lipschitz.js";
import { tubeOf, type Tube } from "./majorant.js";
import { evaluate } from "./model.js";
import type { CheckedProblem, WeightName } from "./problem.js";
import { sampledLipschitz } from "./sampled-lipschitz.js";
import { numericalRank } from "./spectrum.js";

/** T2's numbers at one point of weight space. */
export interface LocalCertificate {
  /** f = ½‖r‖² */
  readonly loss: number;
  /** ‖r‖ */
  readonly distance: number;
  /** σ_min(J), shifted down by its rounding; 0 without full row rank. */
  readonly smallest: number;
  /** σ_max(J), shifted up. */
  readonly largest: number;
  readonly outputs: number;
  readonly parameters: number;
  /** Null without full row rank. */
  readonly tube: Tube | null;
  /** Whether every constant is proved. */
  readonly rigorous: boolean;
  /** How the constants were obtained, in words. */
  readonly basis: string;
}

/**
 * A bound of L_J on balls around the weights: proved where the kernel states its derivatives, else the sample of the
 * ball of radius `most` for every radius.
 */
export function lipschitzOnBalls(
  problem: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
  most: number,
): (radius: number) => Lipschitz {
  const bilinear = !trainable.has("query") && !trainable.has("key") && trainable.size > 1;
  const stacked = bilinear ? numericalRank(evaluate(problem, kernel).stacked, 1) : { largest: 0, threshold: 0 };
  const proved = ballLipschitz(problem, kernel, trainable, stacked.largest + stacked.threshold);
  if (proved !== null) return proved;
  const value = sampledLipschitz(problem, kernel, trainable, { radius: most });
  return () => ({ value, rigorous: false, note: "sampled, not rigorous" });
}

/** Theorem T2 with the weights of the problem as its start. */
export function localCertificate(
  problem: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
): LocalCertificate {
  const { residual, jacobian } = linearize(problem, kernel, trainable);
  const distance = Math.hypot(...residual);
  const spectrum = jacobianSpectrum(jacobian);
  const smallest = Math.max(0, spectrum.smallest - spectrum.rounding);
  const largest = spectrum.largest + spectrum.rounding;
  const tube =
    smallest > 0 ? tubeOf(smallest, lipschitzOnBalls(problem, kernel, trainable, (2 * distance) / smallest)) : null;
  const exact = spectrum.method === "exact";
  return {
    loss: distance ** 2 / 2,
    distance,
    smallest,
    largest,
    outputs: jacobian.rows,
    parameters: jacobian.columns,
    tube,
    rigorous: exact && tube?.rigorous === true,
    basis: [
      `L_J ${tube?.note ?? "unknown"}`,
      ...(exact ? [] : [`singular values bounded with probability 1 - ${FAILURE_PROBABILITY}`]),
    ].join("; "),
  };
}

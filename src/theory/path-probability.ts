import { positive, share, whole, wholeNumber } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { random } from "../core/random.js";
import { proportion, type Proportion } from "../numerics/proportion.js";
import { certifyPath, type CertifyPathOptions } from "./certify-path.js";
import { convergenceOptions } from "./check-convergence.js";
import type { DescentProblem } from "./descend.js";
import { checkInitialization, drawWeights, type Initialization } from "./initialization.js";
import { denseJacobian, jacobianSpectrum } from "./jacobian-spectrum.js";
import { linearize } from "./linearization.js";
import { checkProblem, checkTrainable } from "./problem.js";

/** Options of `pathProbability`. */
export interface PathProbabilityOptions extends Pick<
  CertifyPathOptions,
  "kernel" | "trainable" | "steps" | "tolerance"
> {
  /**
   * η as a share of 1/σ_max(J_0)² of each draw, or of a lower bound of it. Default 0.5, which leaves room for a
   * growing Jacobian.
   */
  readonly stepShare?: number;
  /** Seed of the first draw. Default 1. */
  readonly seed?: number;
  /** Default 40. */
  readonly draws?: number;
}

/** How often random weights are certified, at the start and on the way, with Wilson's 95 % intervals. */
export interface PathProbability {
  readonly atStart: Proportion;
  /** Within the steps, the start included. */
  readonly within: Proportion;
  /** How often the certificates of `within` rest on proved constants. */
  readonly rigorous: Proportion;
  /** The certified step of every draw; null where there is none. */
  readonly certifiedAt: readonly (number | null)[];
}

/**
 * The probability that gradient descent from random weights is certified at the start, and within a number of steps,
 * estimated from seeded draws.
 *
 * Each draw descends until it is certified. `steps: 0` judges the starts alone. Of the problem's weights only the
 * shapes matter. Throws as `certifyPath` and `convergenceProbability`.
 *
 * @param initialization the distribution of the weights
 * @param given as of `certifyPath`, with the step size as a share, a first seed and a number of draws
 * @example
 * const initialization = { heads: 64, mirrored: true, scales: { query: 0.5, key: 0.5, value: 3, output: 1 } };
 * const { atStart, within } = await pathProbability(problem, initialization, {
 *   kernel: gaussian(), trainable: ["query"], steps: 1000,
 * });
 */
export async function pathProbability(
  problem: DescentProblem,
  initialization: Initialization,
  given: PathProbabilityOptions,
): Promise<PathProbability> {
  const where = "pathProbability";
  const own = checkInitialization(where, initialization);
  const { kernel: kernelKind, trainable: trainableKind } = convergenceOptions;
  const {
    kernel,
    steps,
    tolerance,
    stepShare = 0.5,
    seed = 1,
    draws = 40,
  } = checkOptions(where, given, {
    kernel: kernelKind,
    trainable: trainableKind,
    steps: needed(whole(0)),
    tolerance: share,
    stepShare: positive,
    seed: wholeNumber,
    draws: whole(1),
  });
  const trainable = checkTrainable(given.trainable);
  const checked = checkProblem(problem);
  const certifiedAt: (number | null)[] = [];
  let proved = 0;
  for (let draw = 0; draw < draws; draw++) {
    const drawn = { ...problem, weights: drawWeights(checked, own, random(seed + draw)) };
    const { jacobian } = linearize(checkProblem(drawn), kernel, trainable);
    const spectrum = jacobianSpectrum(jacobian);
    // the randomised method knows no bound of a Jacobian with few singular values; the Frobenius norm is one
    const largest = Number.isFinite(spectrum.largest) ? spectrum.largest : denseJacobian(jacobian).norm("frobenius");
    // a Jacobian of zeros does not move: any step size does
    const stepSize = largest === 0 ? 1 : stepShare / largest ** 2;
    const path = await certifyPath(drawn, {
      kernel,
      trainable: given.trainable,
      stepSize,
      steps,
      tolerance,
      stopWhenCertified: true,
    });
    certifiedAt.push(path.certifiedAt);
    if (path.certificate.certified && path.certificate.rigorous) proved++;
  }
  return {
    atStart: proportion(certifiedAt.filter((step) => step === 0).length, draws),
    within: proportion(certifiedAt.filter((step) => step !== null).length, draws),
    rigorous: proportion(proved, draws),
    certifiedAt,
  };
}

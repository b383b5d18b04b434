import { positive, whole } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { withText } from "../core/printing.js";
import { norm } from "../numerics/vectors.js";
import { convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import { driftOf, type Drift } from "./drift.js";
import { linearize } from "./linearization.js";
import { lipschitzOnBalls } from "./local-certificate.js";
import { checkProblem, checkTrainable, type ConvergenceProblem } from "./problem.js";
import { spectralResidual, type SpectralResidual } from "./spectral-residual.js";

/** Options of `reachableLoss`. */
export interface ReachableLossOptions extends Pick<ConvergenceOptions, "kernel" | "trainable"> {
  /** T, the number of steps. */
  readonly steps: number;
  /** η; by default the one with the best bound. */
  readonly stepSize?: number;
}

/** Theorem T5: a loss that gradient descent reaches, without a condition on the rank. */
export interface ReachableLoss {
  /**
   * Within `steps` steps the loss is at most this at least once, in exact arithmetic. Never above the initial loss.
   * Rounding is not bounded.
   */
  readonly loss: number;
  readonly initialLoss: number;
  /** η */
  readonly stepSize: number;
  /** D, how far the comparison point θ* is from the weights. */
  readonly distance: number;
  /** ‖r_0 + J_0(θ* - θ_0)‖ */
  readonly linearResidual: number;
  /** Least that any step size and number of steps can give with this comparison point: (r* + e)²/2. */
  readonly floor: number;
  /** False if L_J was sampled. */
  readonly rigorous: boolean;
}

/** Ridge parameters relative to the largest eigenvalue, and step sizes as shares c of 1/σ². */
const RIDGES = Array.from({ length: 57 }, (_, index) => 10 ** (3 - index / 4));
const SHARES = [1.5, 1.2, 1, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01];

interface Candidate {
  readonly bound: number;
  readonly floor: number;
  readonly stepSize: number;
  readonly distance: number;
  readonly linearResidual: number;
}

/** T5's bound of min ‖r_t‖ for one comparison point and step size; null where the theorem does not apply. */
function boundAt(
  { distance, linearResidual }: Pick<Candidate, "distance" | "linearResidual">,
  { drift, largest, lipschitz }: { readonly drift: Drift; readonly largest: number; readonly lipschitz: number },
  { steps, stepSize }: { readonly steps: number; readonly stepSize?: number },
): Candidate[] {
  const sigma = largest + drift.jacobian(2 * distance);
  const compared = linearResidual + drift.outputs(distance) + (lipschitz * distance ** 2) / 2;
  const shares = stepSize === undefined ? SHARES : [stepSize * sigma ** 2];
  return shares
    .filter((share) => share < 2)
    .map((share) => {
      const step = stepSize ?? share / sigma ** 2;
      const rest = ((2 - share) * distance ** 2) / (step * steps);
      const bound = (compared + Math.sqrt(compared ** 2 + rest)) / (2 - share);
      return { bound, floor: compared, stepSize: step, distance, linearResidual };
    })
    .filter(({ bound }) => Number.isFinite(bound));
}

/**
 * The point that ridge regression on the linearised problem gives: J_0ᵀ(J_0J_0ᵀ + λI)⁻¹ r_0 away from the
 * weights.
 */
function ridge({ eigenvalues, components }: SpectralResidual, parameter: number) {
  return {
    distance: norm(components.map((c, i) => (c * Math.sqrt(eigenvalues[i])) / (eigenvalues[i] + parameter))),
    linearResidual: norm(components.map((c, i) => (c * parameter) / (eigenvalues[i] + parameter))),
  };
}

/**
 * How far gradient descent must bring the loss down within a number of steps, whatever the rank of the Jacobian:
 * theorem T5, also where the outputs outnumber the trained numbers.
 *
 * The descent is compared with the best point that ridge regression on the linearised problem gives. Statement and
 * proof: docs/certificates.md. Takes seconds up to 600 outputs.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options,
 * `UnsupportedError` for more outputs.
 *
 * @param given the kernel, what trains, the number of steps and perhaps η
 * @example
 * const { loss, stepSize } = reachableLoss(problem, { kernel: gaussian(), trainable: ["query"], steps: 1000 });
 */
export function reachableLoss(problem: ConvergenceProblem, given: ReachableLossOptions): ReachableLoss {
  const { kernel: kernelKind, trainable: trainableKind } = convergenceOptions;
  const { kernel, steps, stepSize } = checkOptions("reachableLoss", given, {
    kernel: kernelKind,
    trainable: trainableKind,
    steps: needed(whole(1)),
    stepSize: positive,
  });
  const trainable = checkTrainable(given.trainable);
  const checked = checkProblem(problem);
  const spectrum = spectralResidual("reachableLoss", linearize(checked, kernel, trainable));
  const top = Math.max(...spectrum.eigenvalues);
  const residual = norm(spectrum.components);
  const initialLoss = residual ** 2 / 2;
  const scale = top === 0 ? 1 : residual / Math.sqrt(top);
  const boundOn = lipschitzOnBalls(checked, kernel, trainable, scale);
  const drift = driftOf(boundOn, scale);
  const points = top === 0 ? [] : RIDGES.map((share) => ridge(spectrum, share * top));
  const candidates = points.flatMap((point) =>
    boundAt(
      point,
      { drift, largest: Math.sqrt(top), lipschitz: boundOn(2 * point.distance).value },
      { steps, stepSize },
    ),
  );
  const still: Candidate = {
    bound: residual,
    floor: residual,
    stepSize: stepSize ?? (top === 0 ? 1 : 1 / top),
    distance: 0,
    linearResidual: residual,
  };
  const best = candidates.reduce((least, own) => (own.bound < least.bound ? own : least), still);
  const result: ReachableLoss = {
    loss: best.bound ** 2 / 2,
    initialLoss,
    stepSize: best.stepSize,
    distance: best.distance,
    linearResidual: best.linearResidual,
    floor: best.floor ** 2 / 2,
    rigorous: boundOn(0).rigorous,
  };
  return withText(
    result,
    () =>
      `reachableLoss: at most ${result.loss.toPrecision(3)} within ${steps} steps of ` +
      `${result.stepSize.toPrecision(3)}, from ${initialLoss.toPrecision(3)}` +
      `${result.rigorous ? "" : " (L_J sampled, not rigorous)"}.`,
  );
}

import { ArgumentError } from "../core/errors.js";
import { positive } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { norm } from "../numerics/vectors.js";
import { convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import { driftOf, type Drift } from "./drift.js";
import { linearize } from "./linearization.js";
import { lipschitzOnBalls } from "./local-certificate.js";
import { checkProblem, checkTrainable, type ConvergenceProblem } from "./problem.js";
import { spectralResidual, type SpectralResidual } from "./spectral-residual.js";

/** Options of `lossCurve`. */
export interface LossCurveOptions extends Pick<ConvergenceOptions, "kernel" | "trainable"> {
  /** η */
  readonly stepSize: number;
}

/** The loss of gradient descent, step by step, without descending. */
export interface LossCurve {
  /**
   * `exact`: W^V or W^O alone trains, the outputs are linear and the curve is that of gradient descent up to rounding.
   * `linearised`: the curve of the model that is linear in the trained weights (its tangent kernel); an approximation.
   */
  readonly kind: "exact" | "linearised";
  /** Whether `bounds` is proved. Always for an exact curve. */
  readonly rigorous: boolean;
  /** Eigenvalues λ_i of JJᵀ, and the components of the residual in their eigenvectors. */
  readonly spectrum: SpectralResidual;
  /** `½ Σ_i (1 - ηλ_i)^(2t) c_i²` after t steps. */
  loss(step: number): number;
  /**
   * Least and most that the loss of gradient descent itself can be after t steps, in exact arithmetic; [0, Infinity]
   * where nothing is known. Rounding is not bounded.
   */
  bounds(step: number): readonly [least: number, most: number];
}

const checkStep = (where: string, step: number): void => {
  if (Number.isInteger(step) && step >= 0) return;
  throw new ArgumentError({ where, argument: "step", wanted: "a whole number of at least 0", got: String(step) });
};

/** `(1 - ηλ)^t`, accurate where ηλ is tiny. */
function power(rate: number, step: number): number {
  return rate < 1 ? Math.exp(step * Math.log1p(-rate)) : (1 - rate) ** step;
}

/** ‖r_t‖ of the linear model. */
function residualAt({ eigenvalues, components }: SpectralResidual, stepSize: number, step: number): number {
  return norm(components.map((c, i) => c * power(stepSize * eigenvalues[i], step)));
}

/**
 * Bounds of the distance between the residuals of gradient descent and of the linear model, one more with every call.
 *
 * Statement and proof: docs/certificates.md, the linearised curve.
 */
function* deviations(spectrum: SpectralResidual, stepSize: number, drift: Drift): Generator<number, undefined> {
  const { eigenvalues, components } = spectrum;
  const largest = Math.sqrt(Math.max(...eigenvalues));
  const factor = Math.max(...eigenvalues.map((value) => Math.abs(1 - stepSize * value)));
  let [path, deviation] = [0, 0];
  for (let step = 0; ; step++) {
    yield deviation;
    const kept = components.map((c, i) => c * power(stepSize * eigenvalues[i], step));
    const residual = norm(kept) + deviation;
    const moved = drift.jacobian(path);
    const gradient = norm(kept.map((c, i) => c * Math.sqrt(eigenvalues[i]))) + largest * deviation + moved * residual;
    const length = stepSize * gradient;
    const bent = drift.outputs(path + length) - drift.outputs(path) - moved * length;
    deviation = factor * deviation + stepSize * moved * (gradient + largest * residual) + Math.max(0, bent);
    path += length;
    if (!Number.isFinite(deviation)) return undefined;
  }
}

/**
 * The whole loss curve of gradient descent from the spectrum of JJᵀ and the components of the residual.
 *
 * Training W^V or W^O alone is linear least squares, so that the curve is exact: a statement of the loss at every step,
 * where T1's rate is a bound. Otherwise it is the curve of the linearised model, with bounds of how far gradient
 * descent can be from it: proved where L_J is, wide after many steps. Takes seconds up to 600 outputs.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options,
 * `UnsupportedError` for more outputs.
 *
 * @param given the kernel, what trains, and η
 * @example
 * const curve = lossCurve(problem, { kernel: softmax(), trainable: ["value"], stepSize: 0.01 });
 * curve.loss(1000); // f after a thousand steps
 */
export function lossCurve(problem: ConvergenceProblem, given: LossCurveOptions): LossCurve {
  const { kernel: kernelKind, trainable: trainableKind } = convergenceOptions;
  const kinds = { kernel: kernelKind, trainable: trainableKind, stepSize: needed(positive) };
  const { kernel, stepSize } = checkOptions("lossCurve", given, kinds);
  const trainable = checkTrainable(given.trainable);
  const checked = checkProblem(problem);
  const spectrum = spectralResidual("lossCurve", linearize(checked, kernel, trainable));
  const loss = (step: number): number => {
    checkStep("lossCurve.loss", step);
    return residualAt(spectrum, stepSize, step) ** 2 / 2;
  };
  if (trainable.size === 1 && (trainable.has("value") || trainable.has("output"))) {
    return { kind: "exact", rigorous: true, spectrum, loss, bounds: (step) => [loss(step), loss(step)] };
  }
  const scale = norm(spectrum.components) / Math.sqrt(Math.max(...spectrum.eigenvalues));
  const boundOn = lipschitzOnBalls(checked, kernel, trainable, scale);
  const more = deviations(spectrum, stepSize, driftOf(boundOn, scale));
  const known: number[] = [];
  return {
    kind: "linearised",
    rigorous: boundOn(0).rigorous,
    spectrum,
    loss,
    bounds(step) {
      checkStep("lossCurve.bounds", step);
      while (known.length <= step) {
        const next = more.next();
        if (next.done === true) return [0, Infinity];
        known.push(next.value);
      }
      const residual = residualAt(spectrum, stepSize, step);
      return [Math.max(0, residual - known[step]) ** 2 / 2, (residual + known[step]) ** 2 / 2];
    },
  };
}

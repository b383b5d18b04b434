import { checkConvergence } from "../../theory/check-convergence.js";
import { certifyPath } from "../../theory/certify-path.js";
import { jacobianSpectrum } from "../../theory/jacobian-spectrum.js";
import { linearize } from "../../theory/linearization.js";
import { checkProblem, type WeightName } from "../../theory/problem.js";
import { keptSteps } from "../curve.js";
import { plainKernel } from "../kernels.js";
import type { Work } from "../runner/study.js";
import type { DynamicsOptions, ExperimentName } from "./options.js";
import type { Scales } from "../options.js";
import { randomProblem } from "./problem.js";

/** Settings of one run of an experiment. */
export interface TrialSetting {
  readonly experiment: ExperimentName;
  readonly kernel: string;
  readonly trained: readonly WeightName[];
  readonly scales: Scales;
  readonly seed: number;
}

/** One run of gradient descent, and the theory's prediction. */
export interface Trial extends TrialSetting {
  readonly stepSize: number;
  /** By the start alone. */
  readonly certified: boolean;
  readonly rigorous: boolean;
  /** The first checked step from which success is proved; null if none is, or if its constants are sampled. */
  readonly provedAt: number | null;
  /** The certified rate at this step size; null without a certificate. */
  readonly certifiedRate: number | null;
  /** Lower bound of the loss that T4 proves; null where T4 does not apply. */
  readonly lossFloor: number | null;
  /**
   * C = 8 L_J‖r_0‖/σ_0², four times the h of T2, which certifies runs with C < 4. Null if W^V alone trains,
   * without full row rank, or if T4 applies.
   */
  readonly nonlinearity: number | null;
  /** max(σ_max(W^Q), σ_max(W^K)) / σ_min(W^V) at the start. */
  readonly queryKeyOverValue: number;
  /** Mean fraction of the loss that a step removed. */
  readonly measuredRate: number;
  readonly steps: number;
  readonly converged: boolean;
  readonly initialLoss: number;
  readonly finalLoss: number;
  /** Losses at some steps, the first and the last among them. */
  readonly curve: { readonly steps: readonly number[]; readonly losses: readonly number[] };
}

/** Step size as a share of 1/σ_max(J_0)²; half leaves room for a growing Jacobian. */
const STEP_SHARE = 0.5;
/** A curve keeps every step up to this one; few, as one file holds hundreds of runs. */
const DENSE = 20;

/** Steps between two checks for a stop: some tenths of a second. */
const LOOK_EVERY = 500;

/**
 * Gradient descent with step size η = 1/(2σ_max(J_0)²) until the tolerance or the last step; the result depends only
 * on the first two arguments.
 */
export async function runTrial(
  options: DynamicsOptions,
  setting: TrialSetting,
  work?: Pick<Work, "checkpoint">,
): Promise<Trial> {
  const { heads, family, steps, tolerance, stepOf = setting.kernel } = options.experiments[setting.experiment];
  const kernel = plainKernel(setting.kernel);
  const trainable = setting.trained;
  const problem = randomProblem(options, { ...setting, heads, family }, kernel);
  const stepSize =
    STEP_SHARE /
    jacobianSpectrum(linearize(checkProblem(problem), plainKernel(stepOf), new Set(trainable)).jacobian).largest ** 2;
  const { certificate, conditions, singularValues } = checkConvergence(problem, { kernel, trainable, stepSize });
  const lossFloor = certificate.certified ? null : certificate.lossFloor;
  const nearlyLinear = conditions.find(({ name }) => name === "nearlyLinear");
  const {
    losses,
    certifiedAt,
    certificate: onTheWay,
  } = await certifyPath(problem, {
    kernel,
    trainable,
    stepSize,
    steps,
    tolerance,
    follow: async (_, step) => {
      if (step % LOOK_EVERY === LOOK_EVERY - 1) await work?.checkpoint();
    },
  });
  const [initialLoss, finalLoss] = [losses[0], losses[losses.length - 1]];
  const kept = keptSteps(losses.length, DENSE);
  return {
    ...setting,
    stepSize,
    certified: certificate.certified,
    rigorous: certificate.certified && certificate.rigorous,
    provedAt: onTheWay.certified && onTheWay.rigorous ? certifiedAt : null,
    certifiedRate: certificate.rate,
    lossFloor,
    nonlinearity:
      lossFloor !== null || nearlyLinear === undefined || nearlyLinear.threshold === null
        ? null
        : (4 * nearlyLinear.threshold) / nearlyLinear.value,
    queryKeyOverValue:
      Math.max(singularValues.query.largest, singularValues.key.largest) / singularValues.value.smallest,
    measuredRate: -Math.expm1(Math.log(finalLoss / initialLoss) / (losses.length - 1)),
    steps: losses.length - 1,
    converged: finalLoss <= tolerance * initialLoss,
    initialLoss,
    finalLoss,
    curve: { steps: kept, losses: kept.map((step) => losses[step]) },
  };
}

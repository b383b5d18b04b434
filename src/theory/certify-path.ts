import { callable, flag, positive, share, whole } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { withText } from "../core/printing.js";
import type { Certificate } from "./certificate.js";
import { certificateOf } from "./certify-weights.js";
import { convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import { descend, type DescentProblem, type NestedWeights } from "./descend.js";
import { localCertificate } from "./local-certificate.js";
import { nonlinearityOf } from "./needs.js";
import { checkProblem, checkTrainable, type WeightName } from "./problem.js";

/** Options of `certifyPath`. */
export interface CertifyPathOptions extends Pick<ConvergenceOptions, "kernel" | "trainable"> {
  /** η of every step. */
  readonly stepSize: number;
  /** Most steps. */
  readonly steps: number;
  /** Stops when the loss has fallen to this share of the first loss. Default 0. */
  readonly tolerance?: number;
  /** Stops at the first certified step. Default false. */
  readonly stopWhenCertified?: boolean;
  /** Called with every loss and the number of steps before it, as by `descend`. */
  readonly follow?: (loss: number, step: number, isLast: boolean) => Promise<void>;
}

/** One check on the way. */
export interface PathCheck {
  readonly step: number;
  /** h of `certifyWeights`; below 1 the weights are certified for small steps. */
  readonly nonlinearity: number;
  /** `tooLong`: certified for smaller steps than those of the run. */
  readonly verdict: "certified" | "tooLong" | "tooFar" | "noRank";
}

/** A descent, and the first step from which its success is proved. */
export interface CertifiedPath {
  /** The first checked step from which success is proved; null if there is none. */
  readonly certifiedAt: number | null;
  /** The certificate of that step, whose `predictedLoss(t)` counts from there; else that of the last check. */
  readonly certificate: Certificate;
  readonly checks: readonly PathCheck[];
  /** f before every step and after the last. */
  readonly losses: readonly number[];
}

/** Steps between checks grow by this factor. */
const GROWTH = 1.15;
/**
 * A check takes about as long as so many steps for every output, up to this many: it needs one row of the Jacobian for
 * each, the singular values, and L_J.
 */
const STEPS_PER_OUTPUT = 3;

/** What sampling L_J costs besides, in steps. */
const STEPS_TO_SAMPLE = 60;

/** The steps before which a run is checked: the first, then ever rarer ones, never closer than a check costs. */
function nextCheck(step: number, outputs: number, isProved: boolean): number {
  const cost = STEPS_PER_OUTPUT * outputs + (isProved ? 0 : STEPS_TO_SAMPLE);
  return Math.max(step + cost, Math.ceil(step * GROWTH));
}

const finite = (weights: NestedWeights): boolean =>
  Object.values(weights).every((matrices) => matrices.flat(2).every(Number.isFinite));

/**
 * Follows gradient descent and finds the first step from which its success is proved.
 *
 * Theorem T2 holds with any iterate as its start, so the run is checked at the start and at ever rarer steps, until the
 * first check that holds with the step size of the run. Then the loss falls to zero at the certified rate, whatever
 * happened before. The checks together take less time than the descent, but for the first. Constants are proved where
 * the kernel states its derivatives; else L_J is sampled and the certificate is not `rigorous`. Samples must have the
 * same number of tokens.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options.
 *
 * @param given the kernel, what trains, the steps, and when to stop
 * @example
 * const path = await certifyPath(problem, { kernel: softmax(), trainable: ["query"], stepSize: 0.02, steps: 5000 });
 * if (path.certifiedAt !== null) path.certificate.predictedLoss?.(100); // bounds the loss 100 steps later
 */
export async function certifyPath(problem: DescentProblem, given: CertifyPathOptions): Promise<CertifiedPath> {
  const { kernel: kernelKind, trainable: trainableKind } = convergenceOptions;
  const { kernel, stepSize, steps, tolerance, stopWhenCertified, follow } = checkOptions("certifyPath", given, {
    kernel: kernelKind,
    trainable: trainableKind,
    stepSize: needed(positive),
    steps: needed(whole(0)),
    tolerance: share,
    stopWhenCertified: flag,
    follow: callable,
  });
  const trainable: ReadonlySet<WeightName> = checkTrainable(given.trainable);
  const { targets } = checkProblem(problem);
  const outputs = targets.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  const checks: PathCheck[] = [];
  let found: { readonly at: number | null; readonly certificate: Certificate } | undefined;
  let due = 0;
  const losses = await descend(problem, kernel, given.trainable, {
    stepSize,
    steps,
    tolerance,
    follow,
    inspect: async (step, read) => {
      if (step < due || (found !== undefined && found.at !== null)) return false;
      const weights = await read();
      if (!finite(weights)) return false;
      const local = localCertificate(checkProblem({ ...problem, weights }), kernel, trainable);
      due = nextCheck(step, outputs, local.tube?.rigorous !== false);
      const { certificate, longest } = certificateOf(local, trainable, stepSize);
      found = { at: certificate.certified ? step : null, certificate };
      const missing = local.tube === null ? "noRank" : longest === null ? "tooFar" : "tooLong";
      checks.push({
        step,
        nonlinearity: nonlinearityOf(local),
        verdict: certificate.certified ? "certified" : missing,
      });
      return certificate.certified && stopWhenCertified === true;
    },
  });
  const { at: certifiedAt, certificate } = found!;
  const text =
    certifiedAt === null
      ? `certifyPath: no certificate in ${losses.length - 1} steps. ${certificate.reason}`
      : `certifyPath: proved from step ${certifiedAt} of ${losses.length - 1} on. ${certificate.reason}`;
  return withText({ certifiedAt, certificate, checks, losses }, () => text);
}

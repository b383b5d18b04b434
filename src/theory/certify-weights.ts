import { checkOptions } from "../core/options.js";
import { withText } from "../core/printing.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { degenerateCertificate, guarantee, refuse, type Certificate } from "./certificate.js";
import { convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import { weightsReachOutput } from "./equal-values.js";
import { localCertificate, type LocalCertificate } from "./local-certificate.js";
import { firstRoot, paceOf } from "./majorant.js";
import { evaluate } from "./model.js";
import { needsText, nonlinearityOf, valueFactor, type Needs } from "./needs.js";
import {
  checkProblem,
  checkTrainable,
  type CheckedProblem,
  type ConvergenceProblem,
  type WeightName,
} from "./problem.js";

/** What theorem T2 on a ball says of one point of weight space. */
export interface WeightsCertificate {
  readonly certificate: Certificate;
  /** f at these weights. */
  readonly loss: number;
  /**
   * h: the residual divided by the largest one for which there would be a proof. Below 1 the weights are certified for
   * small steps. Infinite if the Jacobian lacks full row rank.
   */
  readonly nonlinearity: number;
  /** What is missing; null if the weights are certified. */
  readonly needs: Needs | null;
}

/** The certificate that the numbers of a point give for steps of `stepSize`, by default 1/M². */
export function certificateOf(
  local: LocalCertificate,
  trainable: ReadonlySet<WeightName>,
  stepSize?: number,
): { readonly certificate: Certificate; readonly longest: number | null } {
  const { tube, loss, outputs, parameters, rigorous, basis } = local;
  const names = [...trainable].join(", ");
  if (tube === null) {
    const why =
      parameters < outputs
        ? `${parameters} numbers train, fewer than the ${outputs} outputs`
        : "some change of the outputs has no first-order effect in the trained weights";
    return { certificate: refuse("T2", `The Jacobian in ${names} lacks full row rank: ${why}.`), longest: null };
  }
  const { majorant } = firstRoot(local, tube);
  if (majorant === null) {
    const reason = `The Jacobian in ${names} may lose its rank before the loss reaches zero (${basis}).`;
    return { certificate: refuse("T2", reason), longest: null };
  }
  const largestStepSize = 1 / majorant.largest ** 2;
  if (!(majorant.smallest > 0) || !Number.isFinite(largestStepSize) || !(largestStepSize > 0)) {
    const reason = "T2's constants are not positive, finite float64 numbers; scale the problem.";
    return { certificate: refuse("T2", reason), longest: null };
  }
  const pace = stepSize === undefined ? { majorant } : paceOf(local, tube, stepSize);
  if (pace === null) {
    const reason =
      `The weights are near enough to zero loss for steps of ${largestStepSize.toPrecision(3)}, ` +
      `but not for ${stepSize}.`;
    return { certificate: refuse("T2", reason, { stepSize: largestStepSize }), longest: largestStepSize };
  }
  const step = stepSize ?? largestStepSize;
  const contraction = step * pace.majorant.smallest ** 2;
  const reason =
    `The Jacobian in ${names} has full row rank and keeps it on the way to zero loss, a path of at most ` +
    `${pace.majorant.radius.toPrecision(3)} (${basis}).`;
  const certificate = guarantee(
    {
      theorem: "T2",
      rigorous,
      reason,
      stepSize: step,
      largestStepSize: Math.max(step, largestStepSize),
      rate: contraction * (2 - contraction),
    },
    loss,
  );
  return { certificate, longest: null };
}

function needsOf(
  checked: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
  { local, longest }: { readonly local: LocalCertificate; readonly longest: number | null },
): Needs {
  if (longest !== null) return { residual: null, value: null, stepSize: longest };
  if (local.tube === null) return { residual: null, value: null, stepSize: null };
  return { residual: nonlinearityOf(local), value: valueFactor(checked, kernel, trainable), stepSize: null };
}

/**
 * Judges weights: is gradient descent from here on guaranteed to reach zero loss?
 *
 * The weights may be an initialisation, stored, or those of a training on the way. This is theorem T2 with L_J bounded
 * by the distance from the weights, on this data, where `checkConvergence` bounds it once and for all: it certifies
 * more, and tells what a refusal lacks. Statement and proof: docs/certificates.md.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options.
 *
 * @param options as of `checkConvergence`
 * @example
 * const { certificate, needs } = certifyWeights(problem, { kernel: gaussian(), trainable: ["query"] });
 */
export function certifyWeights(problem: ConvergenceProblem, options: ConvergenceOptions): WeightsCertificate {
  const { kernel, stepSize } = checkOptions("certifyWeights", options, convergenceOptions);
  const trainable = checkTrainable(options.trainable);
  const checked = checkProblem(problem);
  const local = localCertificate(checked, kernel, trainable);
  const { certificate, longest } = certificateOf(local, trainable, stepSize);
  const report = (own: Certificate, needs: Needs | null, text: string): WeightsCertificate =>
    withText(
      { certificate: own, loss: local.loss, nonlinearity: nonlinearityOf(local), needs },
      () => `certifyWeights: ${text}`,
    );
  if (certificate.certified) {
    const { rate } = certificate;
    return report(certificate, null, `certified, rate ${rate.toPrecision(3)} a step. ${certificate.reason}`);
  }
  if (local.tube === null && !trainable.has("value") && !trainable.has("output")) {
    const reach = weightsReachOutput(checked, evaluate(checked, kernel), kernel.normalizer);
    if (reach.unreachable.count > 0) {
      const degenerate = degenerateCertificate(reach.unreachable, checked);
      return report(degenerate, { residual: null, value: null, stepSize: null }, degenerate.reason);
    }
  }
  const needs = needsOf(checked, kernel, trainable, { local, longest });
  const reason = `${certificate.reason} ${needsText(needs, local.distance)}`.trimEnd();
  return report({ ...certificate, reason }, needs, `no certificate. ${reason}`);
}

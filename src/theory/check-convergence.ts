import { listOf, oneOf, positive, type Kind } from "../core/kinds.js";
import { checkOptions, needed, type Kinds } from "../core/options.js";
import { withText } from "../core/printing.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { tiledKernel } from "../kernels/options.js";
import { anySubset } from "./any-subset.js";
import { anySubsetCertificate, degenerateCertificate, valueOnlyCertificate, type Certificate } from "./certificate.js";
import type { Condition } from "./condition.js";
import { embeddingDimension } from "./embedding-dimension.js";
import { eigenvalueRatios } from "./eigenvalue-ratio.js";
import { weightsReachOutput } from "./equal-values.js";
import { headsTimesWidth, kernelMatrixRank } from "./kernel-rank.js";
import { evaluate } from "./model.js";
import { checkProblem, checkTrainable, weightNames, type ConvergenceProblem, type WeightName } from "./problem.js";
import { weightsRepresentable } from "./representable.js";
import { valueOnlyConstants } from "./value-only.js";
import { weightRank, type SingularValueExtremes } from "./weight-rank.js";

/** Options of `checkConvergence`. */
export interface ConvergenceOptions {
  readonly kernel: TiledKernel;
  /** The weights that gradient descent trains. */
  readonly trainable: readonly WeightName[];
  /** The step size η to judge; by default the largest that the theorem allows. */
  readonly stepSize?: number;
}

/** The theory has no place for a kernel's own inputs, nor for what it makes of them. */
const plainKernel: Kind<TiledKernel> = {
  wanted: "a kernel such as softmax(), without inputs besides q, k and v",
  holds: (value): value is TiledKernel =>
    tiledKernel.holds(value) && !value.inputs?.length && !value.prepare && !value.bias,
};

export const convergenceOptions: Kinds<ConvergenceOptions> = {
  kernel: needed(plainKernel),
  trainable: needed(listOf(oneOf(...weightNames))),
  stepSize: positive,
};

/** The conditions and the certificate of a problem, before any step of training. */
export interface ConvergenceReport {
  readonly conditions: readonly Condition[];
  readonly certificate: Certificate;
  /** The extreme singular values of W^Q, W^K, W^V and W^O over all heads. */
  readonly singularValues: Readonly<Record<WeightName, SingularValueExtremes>>;
  /** `f_0 = ½ Σ_i ‖Ŷ_i - Y_i‖²`. */
  readonly initialLoss: number;
}

/**
 * Checks whether plain gradient descent on `f = ½ Σ_i ‖Σ_h S_ih X_i W^V_h W^O_h - Y_i‖²` is guaranteed to
 * converge.
 *
 * S_ih is the kernel matrix of `X_i W^Q_h` and `X_i W^K_h`. Every condition is measured in float64 at the given
 * weights. An unmet condition is reported, not thrown. A report without a certificate does not mean that gradient
 * descent will fail. `docs/theory.md` has statements, proofs and sources. `readProblem` of attention-kernels/theory
 * makes a problem of a layer's tensors.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options.
 *
 * @example
 * const problem = { inputs, targets, weights: { query, key, value, output } };
 * const { certificate } = checkConvergence(problem, { kernel: gaussian(), trainable: ["value"] });
 */
export function checkConvergence(problem: ConvergenceProblem, options: ConvergenceOptions): ConvergenceReport {
  const { kernel, stepSize } = checkOptions("checkConvergence", options, convergenceOptions);
  const trainable = checkTrainable(options.trainable);
  const checked = checkProblem(problem);
  const evaluation = evaluate(checked, kernel);
  const initialLoss = evaluation.losses.reduce((sum, loss) => sum + loss, 0);

  const stacked = kernelMatrixRank(evaluation.stacked);
  const { query, key, value, output } = mapWeights((name) => weightRank(checked.heads, name));
  const singularValues = { query: query.extremes, key: key.extremes, value: value.extremes, output: output.extremes };
  const reach = weightsReachOutput(checked, evaluation, kernel.normalizer);
  const facts = [
    stacked.condition,
    headsTimesWidth(evaluation.stacked),
    embeddingDimension(checked),
    query.condition,
    key.condition,
    value.condition,
    output.condition,
    ...eigenvalueRatios(singularValues),
    weightsRepresentable(evaluation),
    reach.condition,
  ];
  const unmet = (conditions: readonly Condition[]): string[] =>
    conditions.filter(({ holds }) => holds !== true).map(({ name }) => name);
  const report = (certificate: Certificate, more: readonly Condition[] = []): ConvergenceReport => {
    const conditions = [...facts, ...more];
    const verdict = certificate.certified
      ? `certified by ${certificate.theorem}, rate ${certificate.rate.toPrecision(3)} a step`
      : "no certificate";
    const missing = unmet(conditions);
    const text =
      `checkConvergence: ${verdict}; ` +
      `${missing.length === 0 ? "every condition holds" : `not held: ${missing.join(", ")}`}. ${certificate.reason}`;
    return withText({ conditions, certificate, singularValues, initialLoss }, () => text);
  };

  if (trainable.size === 1 && trainable.has("value")) {
    const constants = valueOnlyConstants(stacked.rank, output.ranks);
    return report(valueOnlyCertificate(constants, initialLoss, unmet([stacked.condition, output.condition]), stepSize));
  }
  const { conditions, constants } = anySubset(
    checked,
    kernel,
    trainable,
    stacked.rank.largest + stacked.rank.threshold,
  );
  if (!trainable.has("value") && !trainable.has("output") && reach.unreachable.count > 0) {
    return report(degenerateCertificate(reach.unreachable, checked), conditions);
  }
  return report(anySubsetCertificate(constants, initialLoss, trainable, unmet(conditions), stepSize), conditions);
}

function mapWeights<Result>(measure: (name: WeightName) => Result): Record<WeightName, Result> {
  return { query: measure("query"), key: measure("key"), value: measure("value"), output: measure("output") };
}

import { UnsupportedError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { gaussian } from "../../kernels/gaussian.js";
import { softmax } from "../../kernels/softmax.js";
import { singleLayer, type SingleLayerParameters } from "../../nn/single-layer.js";
import { checkConvergence, type ConvergenceReport } from "../../theory/check-convergence.js";
import { descend, type DescentProblem } from "../../theory/descend.js";
import type { WeightName } from "../../theory/problem.js";
import { keptSteps } from "../curve.js";
import type { Work } from "../runner/study.js";
import type { Curve, GuaranteeRun, KernelName } from "./measurements.js";
import { trainedName } from "./names.js";
import type { ConvergenceOptions } from "./options.js";
import type { Sample } from "./sample.js";

export const kernels = { softmax: softmax(), gaussian: gaussian() } as const;
export const subsets: readonly (readonly WeightName[])[] = [["query", "key", "value"], ["value"], ["query"]];
/** A run ends below this share of the initial loss, where float64 rounding dominates. */
const CONVERGED = 1e-24;
/** Relative tolerance of the bound: near the floor of the loss only rounding remains. */
const ROUNDING = 1e-9;
/** Steps between progress reports, and between checks for a stop. */
const REPORT_EVERY = 20;

interface Run {
  readonly kernel: KernelName;
  readonly trained: readonly WeightName[];
  readonly sample: Sample;
  readonly options: ConvergenceOptions["guarantee"];
  readonly seed: number;
}

/** Initial weights, the same for every kernel and subset. */
function initialWeights({ kernel, sample, options, seed }: Run): SingleLayerParameters {
  const { heads, width, scales } = options;
  return singleLayer({ kernel: kernels[kernel], heads, width, outputWidth: sample.targets[0][0].length }).initialize(
    cpu,
    random(seed),
    scales,
  );
}

/** A tensor [H, rows, columns] as nested arrays. */
async function nested(tensor: Tensor): Promise<number[][][]> {
  const data = await tensor.read();
  const [heads, rows, columns] = tensor.shape;
  return Array.from({ length: heads }, (_, head) =>
    Array.from({ length: rows }, (_, row) => {
      const offset = (head * rows + row) * columns;
      return Array.from(data.subarray(offset, offset + columns));
    }),
  );
}

/** The theory's report before the first step, with T1's 1/L for the value weights as the step size. */
async function consult(run: Run): Promise<{ problem: DescentProblem; report: ConvergenceReport; stepSize: number }> {
  const { query, key, value, output } = initialWeights(run);
  const problem: DescentProblem = {
    ...run.sample,
    weights: {
      query: await nested(query),
      key: await nested(key),
      value: await nested(value),
      output: await nested(output),
    },
  };
  const kernel = kernels[run.kernel];
  const { stepSize } = checkConvergence(problem, { kernel, trainable: ["value"] }).certificate;
  if (stepSize === null) {
    throw new UnsupportedError({
      where: "study convergence",
      argument: `${run.kernel} kernel`,
      wanted: "kernel matrices and output weights that are not zero",
      got: "no step size of T1",
      fix: "Try another seed.",
    });
  }
  return { problem, report: checkConvergence(problem, { kernel, trainable: run.trained, stepSize }), stepSize };
}

/** The losses of gradient descent, with progress reports and checks for a stop. */
function follow(
  { kernel, trained, options: { steps } }: Run,
  problem: DescentProblem,
  stepSize: number,
  work: Work,
): Promise<number[]> {
  const label = `${kernel}, ${trainedName(trained)}`;
  return descend(problem, kernels[kernel], trained, {
    stepSize,
    steps,
    tolerance: CONVERGED,
    async follow(loss, step, isLast) {
      if (!isLast && step % REPORT_EVERY !== 0) return;
      work.report({
        kind: "progress",
        label,
        done: isLast ? steps : step,
        total: steps,
        note: `loss ${loss.toExponential(2)}`,
      });
      await work.checkpoint();
    },
  });
}

function thin(losses: readonly number[], predict: ((step: number) => number) | undefined): Curve {
  const steps = keptSteps(losses.length);
  const curve = { steps, losses: steps.map((step) => losses[step]) };
  return predict ? { ...curve, predicted: steps.map(predict) } : curve;
}

/**
 * Gradient descent on the single layer with one kernel and one set of trained matrices, on the CPU backend.
 *
 * The step size is T1's 1/L of the kernel's value-only problem for every set, so that runs can be compared.
 */
export async function measureGuarantee(run: Run, work: Work): Promise<GuaranteeRun> {
  const { problem, report, stepSize } = await consult(run);
  const { conditions, certificate } = report;
  const losses = await follow(run, problem, stepSize, work);
  const steps = losses.length - 1;
  const finalLoss = losses[steps];
  const common = {
    kernel: run.kernel,
    trained: run.trained,
    conditions,
    certified: certificate.certified,
    theorem: certificate.theorem,
    reason: certificate.reason,
    stepSize,
    steps,
    initialLoss: losses[0],
    finalLoss,
    measuredRate: -Math.expm1(Math.log(finalLoss / losses[0]) / steps),
  };
  if (!certificate.certified) return { ...common, curve: thin(losses, undefined) };
  const predict = (step: number): number => certificate.predictedLoss(step);
  const bounded = losses.every((loss, step) => loss <= predict(step) * (1 + ROUNDING));
  return { ...common, predictedRate: certificate.rate, bounded, curve: thin(losses, predict) };
}

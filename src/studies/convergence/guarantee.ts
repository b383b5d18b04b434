import { multiply, square, subtract, sum } from "../../autograd/ops.js";
import { valueAndGrad } from "../../autograd/grad.js";
import { UnsupportedError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { gaussian } from "../../kernels/gaussian.js";
import type { AttentionKernel } from "../../kernels/kernel.js";
import { softmax } from "../../kernels/softmax.js";
import { gradientDescent } from "../../nn/optimizers.js";
import { singleLayer } from "../../nn/single-layer.js";
import { merge, split } from "../../nn/split.js";
import { checkConvergence } from "../../theory/check-convergence.js";
import type { ConvergenceProblem, HeadWeights, WeightName } from "../../theory/problem.js";
import type { Session } from "../study.js";
import type { GuaranteeConfiguration } from "./configuration.js";
import type { GuaranteeRun, KernelName } from "./measurements.js";
import { trainedName } from "./names.js";
import type { Sample } from "./sample.js";

const kernels: Readonly<Record<KernelName, AttentionKernel>> = { softmax: softmax(), gaussian: gaussian() };
const subsets: readonly (readonly WeightName[])[] = [["query", "key", "value"], ["value"], ["query"]];
/** Below this share of the initial loss float64 rounding takes over, and the run ends. */
const CONVERGED = 1e-24;
/** Steps between two reports of progress, and two looks at whether the study was stopped. */
const REPORT_EVERY = 50;

/** `[H, rows, columns]` in row-major order as nested arrays. */
async function nested(tensor: Tensor): Promise<number[][][]> {
  const data = await tensor.read();
  const [heads, rows, columns] = tensor.shape as readonly [number, number, number];
  return Array.from({ length: heads }, (_, head) =>
    Array.from({ length: rows }, (__, row) => Array.from(data.subarray((head * rows + row) * columns, (head * rows + row + 1) * columns))),
  );
}

/** Steps whose losses are kept: all of the first ten, then about forty in each decade. */
function isKept(step: number): boolean {
  return step % Math.max(1, Math.floor(step / 40)) === 0;
}

function modelFor(kernel: AttentionKernel, sample: Sample, { heads, width }: GuaranteeConfiguration) {
  return singleLayer({ kernel, heads, width, outputWidth: sample.targets[0]![0]!.length });
}

interface Run {
  readonly kernel: KernelName;
  readonly trained: readonly WeightName[];
  readonly label: string;
}

async function descend(
  { kernel, trained, label }: Run,
  sample: Sample,
  configuration: GuaranteeConfiguration,
  session: Session<unknown>,
): Promise<GuaranteeRun> {
  const model = modelFor(kernels[kernel], sample, configuration);
  const parameters = model.initialize(cpu, random(session.seed), configuration.scales);
  const weights: HeadWeights = {
    query: await nested(parameters.query),
    key: await nested(parameters.key),
    value: await nested(parameters.value),
    output: await nested(parameters.output),
  };
  const problem: ConvergenceProblem = { ...sample, weights };
  const { conditions, certificate } = checkConvergence(problem, { kernel: kernels[kernel], trainable: trained });
  const stepSize = checkConvergence(problem, { kernel: kernels[kernel], trainable: ["value"] }).certificate.stepSize;
  if (stepSize === null) {
    throw new UnsupportedError({
      where: "study convergence",
      argument: `${kernel} kernel`,
      wanted: "kernel matrices and output weights that are not zero",
      got: "no step size of T1",
      fix: "Try another seed.",
    });
  }

  const shape = [sample.inputs.length, sample.inputs[0]!.length];
  const inputs = cpu.tensor(sample.inputs.flat(2), [...shape, configuration.width]);
  const targets = cpu.tensor(sample.targets.flat(2), [...shape, sample.targets[0]![0]!.length]);
  const { trained: moving, frozen } = split(parameters, ([name]) => trained.includes(name as WeightName));
  const optimizer = gradientDescent({ stepSize });
  const predict = certificate.certified ? certificate.predictedLoss : undefined;
  const curve = { steps: [] as number[], losses: [] as number[], predicted: [] as number[] };
  let bounded = true;
  let initialLoss = Number.NaN;
  let loss = Number.NaN;
  let step = 0;
  for (; ; step++) {
    const isLast = step === configuration.steps;
    const value = cpu.scope(() => {
      const result = valueAndGrad(
        (weights) => multiply(sum(square(subtract(model.apply(merge(weights, frozen), inputs), targets))), 0.5),
        moving,
      );
      if (!isLast) optimizer.step(moving, result.gradients);
      return result.value;
    });
    loss = (await value.read())[0]!;
    value.dispose();
    if (step === 0) initialLoss = loss;
    const stop = isLast || !Number.isFinite(loss) || loss <= CONVERGED * initialLoss;
    // (1 + 1e-9): the loss itself carries rounding, which is all that remains near its floor
    if (predict && !(loss <= predict(step) * (1 + 1e-9))) bounded = false;
    if (stop || isKept(step)) {
      curve.steps.push(step);
      curve.losses.push(loss);
      if (predict) curve.predicted.push(predict(step));
    }
    if (stop || step % REPORT_EVERY === 0) {
      session.report({ kind: "progress", label, done: stop ? configuration.steps : step, total: configuration.steps, note: `loss ${loss.toExponential(2)}` });
      await session.checkpoint();
    }
    if (stop) break;
  }
  return {
    kernel,
    trained,
    conditions,
    certified: certificate.certified,
    theorem: certificate.theorem,
    reason: certificate.reason,
    stepSize,
    steps: step,
    initialLoss,
    finalLoss: loss,
    measuredRate: -Math.expm1(Math.log(loss / initialLoss) / step),
    ...(certificate.certified ? { predictedRate: certificate.rate, bounded } : {}),
    curve: { steps: curve.steps, losses: curve.losses, ...(predict ? { predicted: curve.predicted } : {}) },
  };
}

/**
 * Part one: {softmax, Gaussian} × {all, value only, query only} from the same initial weights, on the CPU backend.
 *
 * The step size is T1's 1/L of the kernel's value-only problem, for every subset, so that runs can be compared.
 */
export async function* guaranteeRuns(
  sample: Sample,
  configuration: GuaranteeConfiguration,
  session: Session<unknown>,
): AsyncGenerator<GuaranteeRun> {
  for (const kernel of Object.keys(kernels) as KernelName[]) {
    for (const trained of subsets) {
      yield await descend({ kernel, trained, label: `${kernel}, ${trainedName(trained)}` }, sample, configuration, session);
    }
  }
}

import { multiply, square, subtract, sum } from "../../autograd/ops.js";
import { valueAndGrad } from "../../autograd/grad.js";
import { UnsupportedError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import { gaussian } from "../../kernels/gaussian.js";
import { softmax } from "../../kernels/softmax.js";
import { gradientDescent } from "../../nn/optimizers.js";
import { singleLayer } from "../../nn/single-layer.js";
import { merge, split } from "../../nn/split.js";
import { checkConvergence, type ConvergenceReport } from "../../theory/check-convergence.js";
import type { ConvergenceProblem, WeightName } from "../../theory/problem.js";
import { keptSteps } from "../curve.js";
import type { Session } from "../study.js";
import type { GuaranteeConfiguration } from "./configuration.js";
import type { Curve, GuaranteeRun, KernelName } from "./measurements.js";
import { trainedName } from "./names.js";
import type { Sample } from "./sample.js";

const kernels = { softmax: softmax(), gaussian: gaussian() } as const;
const subsets: readonly (readonly WeightName[])[] = [["query", "key", "value"], ["value"], ["query"]];
/** Below this share of the initial loss float64 rounding takes over, and the run ends. */
const CONVERGED = 1e-24;
/** The loss carries rounding of its own, which is all that remains near its floor. */
const ROUNDING = 1e-9;
/** Steps between two reports of progress, and two looks at whether the study was stopped. */
const REPORT_EVERY = 20;

interface Run {
  readonly kernel: KernelName;
  readonly trained: readonly WeightName[];
  readonly sample: Sample;
  readonly configuration: GuaranteeConfiguration;
  readonly session: Session<unknown>;
}

/** The model of a run at its initial weights, the same for every kernel and subset. */
function start({ kernel, sample, configuration, session }: Run) {
  const { heads, width, scales } = configuration;
  const model = singleLayer({ kernel: kernels[kernel], heads, width, outputWidth: sample.targets[0][0].length });
  return { model, parameters: model.initialize(cpu, random(session.seed), scales) };
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

/** What the theory says before the first step, and T1's 1/L for the value weights. */
async function consult(run: Run): Promise<{ report: ConvergenceReport; stepSize: number }> {
  const { query, key, value, output } = start(run).parameters;
  const problem: ConvergenceProblem = {
    ...run.sample,
    weights: { query: await nested(query), key: await nested(key), value: await nested(value), output: await nested(output) },
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
  return { report: checkConvergence(problem, { kernel, trainable: run.trained, stepSize }), stepSize };
}

/** Gradient descent on `f = ½‖Ŷ - Y‖²`; the loss before every step and after the last. */
async function descend(run: Run, stepSize: number): Promise<number[]> {
  const { sample, configuration, session } = run;
  const { model, parameters } = start(run);
  const [samples, tokens, classes] = [sample.targets.length, sample.targets[0].length, sample.targets[0][0].length];
  const inputs = cpu.tensor(sample.inputs.flat(2), [samples, tokens, configuration.width]);
  const targets = cpu.tensor(sample.targets.flat(2), [samples, tokens, classes]);
  const { trained, frozen } = split(parameters, ([name]) => run.trained.includes(name as WeightName));
  const optimizer = gradientDescent({ stepSize });
  const label = `${run.kernel}, ${trainedName(run.trained)}`;
  const losses: number[] = [];
  for (let step = 0; step <= configuration.steps; step++) {
    const value = cpu.scope(() => {
      const result = valueAndGrad(
        (weights) => multiply(sum(square(subtract(model.apply(merge(weights, frozen), inputs), targets))), 0.5),
        trained,
      );
      optimizer.step(trained, result.gradients);
      return result.value;
    });
    const [loss] = await value.read();
    value.dispose();
    losses.push(loss);
    const stop = step === configuration.steps || !Number.isFinite(loss) || loss <= CONVERGED * losses[0];
    if (stop || step % REPORT_EVERY === 0) {
      const done = stop ? configuration.steps : step;
      session.report({ kind: "progress", label, done, total: configuration.steps, note: `loss ${loss.toExponential(2)}` });
      await session.checkpoint();
    }
    if (stop) break;
  }
  return losses;
}

function thin(losses: readonly number[], predict: ((step: number) => number) | undefined): Curve {
  const steps = keptSteps(losses.length);
  const curve = { steps, losses: steps.map((step) => losses[step]) };
  return predict ? { ...curve, predicted: steps.map(predict) } : curve;
}

async function measure(run: Run): Promise<GuaranteeRun> {
  const { report, stepSize } = await consult(run);
  const { conditions, certificate } = report;
  const losses = await descend(run, stepSize);
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
      const task = { name: `guarantee ${kernel} ${trained.join("+")}`, depends: { sample, configuration, seed: session.seed } };
      const run = await session.task(task, () => measure({ kernel, trained, sample, configuration, session }));
      if (run !== undefined) yield run;
    }
  }
}

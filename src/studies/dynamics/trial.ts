import { valueAndGrad } from "../../autograd/grad.js";
import { multiply, square, subtract, sum } from "../../autograd/ops.js";
import { ArgumentError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import { cpu } from "../../cpu/cpu.js";
import type { TiledKernel } from "../../kernels/kernel.js";
import { kernels } from "../../kernels/registry.js";
import { gradientDescent } from "../../nn/optimizers.js";
import { singleLayer } from "../../nn/single-layer.js";
import { merge, split } from "../../nn/split.js";
import { checkConvergence } from "../../theory/check-convergence.js";
import { jacobianSpectrum } from "../../theory/jacobian-spectrum.js";
import { linearize } from "../../theory/linearization.js";
import { checkProblem, type WeightName } from "../../theory/problem.js";
import type { DynamicsConfiguration } from "./configuration.js";

/** One run of gradient descent, and what the theory had said before. */
export interface Trial {
  readonly kernel: string;
  readonly trained: readonly WeightName[];
  readonly seed: number;
  readonly stepSize: number;
  readonly certified: boolean;
  readonly rigorous: boolean;
  /** The certificate's rate at this step size; null without one. */
  readonly certifiedRate: number | null;
  /** Mean fraction of the loss that a step removed. */
  readonly measuredRate: number;
  readonly steps: number;
  readonly converged: boolean;
  readonly initialLoss: number;
  readonly finalLoss: number;
  /** The loss before every step and after the last. */
  readonly losses: readonly number[];
}

export interface DynamicsMeasurements {
  readonly trials: readonly Trial[];
}

/** A kernel of the registry that needs nothing beside q, k and v. */
export function plainKernel(name: string): TiledKernel {
  const kernel = kernels[name]?.();
  if (kernel !== undefined && !("compose" in kernel) && (kernel.inputs ?? []).length === 0) return kernel;
  const plain = Object.entries(kernels).filter(([, make]) => !("compose" in make()) && (make().inputs ?? []).length === 0);
  throw new ArgumentError({ where: "study dynamics", argument: "kernel", wanted: `one of ${plain.map(([known]) => known).join(", ")}`, got: name });
}

/** Inputs and targets with rows of length about 1, and weights, as nested arrays. */
function randomProblem({ samples, tokens, width, outputWidth, heads, scales }: DynamicsConfiguration, seed: number) {
  const source = random(seed);
  const draw = (count: number, rows: number, columns: number, scale: number): number[][][] =>
    Array.from({ length: count }, () => Array.from({ length: rows }, () => Array.from(source.normals(columns, scale))));
  const scaled = (name: WeightName, columns = width): number[][][] => draw(heads, width, columns, scales[name] / Math.sqrt(width));
  return {
    inputs: draw(samples, tokens, width, 1 / Math.sqrt(width)),
    targets: draw(samples, tokens, outputWidth, 1 / Math.sqrt(outputWidth)),
    weights: { query: scaled("query"), key: scaled("key"), value: scaled("value"), output: scaled("output", outputWidth) },
  };
}

/** Share of 1/σ_max(J_0)² by which runs step: half leaves room for a Jacobian that grows. */
const STEP_SHARE = 0.5;

/** Gradient descent with η = 1/(2σ_max(J_0)²) on the CPU backend, in float64, until the tolerance or the last step. */
export async function runTrial(configuration: DynamicsConfiguration, name: string, trained: readonly WeightName[], seed: number): Promise<Trial> {
  const { heads, width, outputWidth, steps, tolerance } = configuration;
  const kernel = plainKernel(name);
  const problem = randomProblem(configuration, seed);
  const stepSize = STEP_SHARE / jacobianSpectrum(linearize(checkProblem(problem), kernel, new Set(trained)).jacobian).largest ** 2;
  const { certificate } = checkConvergence(problem, { kernel, trainable: trained, stepSize });
  const tensor = (data: number[][][]) => cpu.tensor(data.flat(2), [data.length, data[0].length, data[0][0].length]);
  const { query, key, value, output } = problem.weights;
  const parameters = { query: tensor(query), key: tensor(key), value: tensor(value), output: tensor(output) };
  const model = singleLayer({ kernel, heads, width, outputWidth });
  const [x, y] = [tensor(problem.inputs), tensor(problem.targets)];
  const { trained: moving, frozen } = split(parameters, ([weight]) => trained.includes(weight as WeightName));
  const optimizer = gradientDescent({ stepSize });
  const losses: number[] = [];
  for (let step = 0; step <= steps; step++) {
    const loss = cpu.scope(() => {
      const result = valueAndGrad((weights) => multiply(sum(square(subtract(model.apply(merge(weights, frozen), x), y))), 0.5), moving);
      optimizer.step(moving, result.gradients);
      return result.value;
    });
    losses.push((await loss.read())[0]);
    loss.dispose();
    if (!Number.isFinite(losses[step]) || losses[step] <= tolerance * losses[0]) break;
  }
  const finalLoss = losses[losses.length - 1];
  return {
    kernel: name,
    trained,
    seed,
    stepSize,
    certified: certificate.certified,
    rigorous: certificate.certified && certificate.rigorous,
    certifiedRate: certificate.rate,
    measuredRate: -Math.expm1(Math.log(finalLoss / losses[0]) / (losses.length - 1)),
    steps: losses.length - 1,
    converged: finalLoss <= tolerance * losses[0],
    initialLoss: losses[0],
    finalLoss,
    losses,
  };
}

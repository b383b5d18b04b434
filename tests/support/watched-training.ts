import { indices, ops, random, valueAndGrad, type Backend, type Indices, type Tensor } from "../../src/index.js";
import {
  observeTraining,
  type ObservableModel,
  type ObserveOptions,
  type TrainingMonitor,
} from "../../src/analysis/index.js";
import { mergeParameters, splitParameters, type Optimizer } from "../../src/nn/index.js";
import { disposeTree, type ParameterTree } from "../../src/core/tensor.js";

export interface Watched<Parameters extends ParameterTree, Input> {
  readonly model: ObservableModel<Parameters, Input>;
  readonly parameters: Parameters;
  readonly options: ObserveOptions<Parameters, Input>;
  readonly optimizer: Optimizer;
  readonly steps: number;
  /** The loss of a step. */
  readonly loss: (parameters: Parameters, step: number) => Tensor;
  /** The parameters to train, by their paths. Default: all. */
  readonly trains?: (path: string) => boolean;
}

/** A training with a monitor, which gets every step. */
export async function watch<Parameters extends ParameterTree, Input>({
  model,
  parameters,
  options,
  optimizer,
  steps,
  loss,
  trains = () => true,
}: Watched<Parameters, Input>): Promise<TrainingMonitor<Parameters>> {
  const monitor = observeTraining(model, options);
  const { trained, frozen } = splitParameters(parameters, (path) => trains(path.join(".")));
  for (let step = 1; step <= steps; step++) {
    const { value, gradients } = valueAndGrad((own) => loss(mergeParameters(own, frozen), step), trained);
    optimizer.step(trained, gradients);
    const [number] = await value.read();
    await monitor.step({ step, parameters, gradients, loss: number });
    disposeTree([value, gradients]);
  }
  monitor.dispose();
  optimizer.dispose();
  return monitor;
}

/** Sequences whose class is decided by their first id. */
export function sequences(
  seed: number,
  batch: number,
  tokens: number,
): { readonly ids: Indices; readonly labels: Indices } {
  const source = random(seed);
  const ids = Int32Array.from({ length: batch * tokens }, () => source.integer(6));
  const labels = Int32Array.from({ length: batch }, (_, row) => Number(ids[row * tokens] < 3));
  return { ids: indices(ids, [batch, tokens]), labels: indices(labels) };
}

/** The tensor at `path`, which now holds `change` of its numbers. */
export async function rewrite(
  tensor: Tensor,
  change: (numbers: Float64Array, shape: readonly number[]) => ArrayLike<number>,
): Promise<void> {
  const numbers = change(Float64Array.from(await tensor.read()), tensor.shape);
  tensor.assign(tensor.backend.tensor(numbers, tensor.shape));
}

/** Random tokens [batch, n, width] whose first component is 1. */
export function tokensOf(backend: Backend, seed: number, [batch, n, width]: readonly [number, number, number]): Tensor {
  const numbers = random(seed).normals(batch * n * width);
  for (let at = 0; at < numbers.length; at += width) numbers[at] = 1;
  return backend.tensor(numbers, [batch, n, width]);
}

export const meanSquare = (x: Tensor): Tensor => ops.mean(ops.square(x));

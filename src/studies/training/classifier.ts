import type { ObservedLayer } from "../../analysis/monitor/look.js";
import { crossEntropy } from "../../autograd/ops.js";
import { indices, type Indices } from "../../core/indices.js";
import { random } from "../../core/random.js";
import type { ParameterTree, Tensor } from "../../core/tensor.js";
import type { Schedule } from "../../nn/schedules.js";
import type { Work } from "../runner/study.js";
import { measureEpochs, type EpochMeasure } from "./epochs.js";
import {
  first,
  type OptimizerName,
  probeRows,
  train,
  type Training,
  type TrainingPlan,
  type TrainingSoFar,
  type TrainingState,
} from "./train.js";

/** A model that turns inputs into logits [batch, classes]. */
export interface Classifier<Parameters extends ParameterTree> {
  apply(
    parameters: Parameters,
    input: Indices | Tensor,
    call?: { readonly observe?: (layer: ObservedLayer) => void },
  ): Tensor;
}

/** Labelled examples; `inputs` gives the model's input for some rows. */
export interface Examples {
  readonly labels: Int32Array;
  inputs(rows: readonly number[]): Indices | Tensor;
}

export interface TrainOptions {
  /** Label of the progress display. */
  readonly label: string;
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number | Schedule;
  /** Default Adam; `sgd` has momentum 0.9. */
  readonly optimizer?: OptimizerName;
  /** Steps between two looks of the monitor, at the first examples of the test; default 0, none. */
  readonly monitor?: number;
  /** Seed of the order of the examples. */
  readonly seed: number;
  /** Called after every epoch with the measurements so far. */
  readonly measured?: (soFar: TrainingSoFar<EpochResult>) => Promise<void>;
}

export interface EpochResult extends EpochMeasure {
  readonly testAccuracy: number;
}

/** Examples in one forward pass of the evaluation. */
const TEST_BATCH = 64;

/** Mean cross-entropy of the model on some rows, in nats. */
export function classifierLoss<Parameters extends ParameterTree>(
  model: Classifier<Parameters>,
  parameters: Parameters,
  examples: Examples,
  rows: readonly number[],
): Tensor {
  return crossEntropy(model.apply(parameters, examples.inputs(rows)), indices(rows.map((row) => examples.labels[row])));
}

function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < row.length; index++) if (row[index] > row[best]) best = index;
  return best;
}

/** Accuracy and mean cross-entropy of the model on all examples. */
export async function evaluate<Parameters extends ParameterTree>(
  model: Classifier<Parameters>,
  parameters: Parameters,
  test: Examples,
  work: Work,
) {
  const count = test.labels.length;
  let correct = 0;
  let totalLoss = 0;
  for (let start = 0; start < count; start += TEST_BATCH) {
    const rows = Array.from({ length: Math.min(TEST_BATCH, count - start) }, (_, index) => start + index);
    const [logits, loss] = work.backend.scope(() => {
      const output = model.apply(parameters, test.inputs(rows));
      return [output, crossEntropy(output, indices(rows.map((row) => test.labels[row])))] as const;
    });
    const classes = logits.shape[1];
    const values = await logits.read();
    logits.dispose();
    totalLoss += (await first(loss)) * rows.length;
    correct += rows.filter(
      (row, index) => argmax(values.subarray(index * classes, (index + 1) * classes)) === test.labels[row],
    ).length;
    await work.checkpoint();
  }
  return { testAccuracy: correct / count, testLoss: totalLoss / count };
}

/**
 * Trains `parameters` in place on the cross-entropy, or continues a stored training; equal seeds give equal batches.
 */
export function trainClassifier<Parameters extends ParameterTree>(
  model: Classifier<Parameters>,
  parameters: Parameters,
  { train: examples, test }: { readonly train: Examples; readonly test: Examples },
  {
    label,
    batch,
    epochs,
    learningRate,
    optimizer,
    monitor = 0,
    seed,
    measured = () => Promise.resolve(),
  }: TrainOptions,
  work: Work<TrainingState<EpochResult>>,
): Promise<Training<EpochResult>> {
  const plan: TrainingPlan<Parameters, EpochResult, Indices | Tensor> = {
    label,
    parameters,
    examples: examples.labels.length,
    batch,
    epochs,
    learningRate,
    ...(optimizer === undefined ? {} : { optimizer }),
    order: random(seed),
    watch: { every: monitor, model, probe: () => test.inputs(probeRows(test.labels.length)) },
    loss: (weights, rows) => classifierLoss(model, weights, examples, rows),
    afterEpoch: measureEpochs({
      label,
      evaluate: () => evaluate(model, parameters, test, work),
      words: ({ testAccuracy }) => `test accuracy ${(100 * testAccuracy).toFixed(1)} %`,
      measured,
      work,
    }),
  };
  return train(plan, work);
}

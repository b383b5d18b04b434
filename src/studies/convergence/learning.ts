import { random } from "../../core/random.js";
import { gaussian } from "../../kernels/gaussian.js";
import { softmax } from "../../kernels/softmax.js";
import { encoder } from "../../nn/encoder.js";
import { disposeTree, trainClassifier, type EpochResult } from "../classifier.js";
import type { Session } from "../study.js";
import type { Dataset } from "../text/dataset.js";
import { examplesOf } from "../text/examples.js";
import type { LearningConfiguration } from "./configuration.js";
import type { KernelName, LearningRun } from "./measurements.js";

const kernels = { softmax: softmax(), gaussian: gaussian() } as const;

/**
 * Trains the encoder with one kernel as a classifier and yields the run so far after every epoch.
 *
 * Equal seeds give equal initial weights and equal batches, whatever the kernel.
 */
async function* train(
  kernel: KernelName,
  dataset: Dataset,
  configuration: LearningConfiguration,
  session: Session<unknown>,
): AsyncGenerator<LearningRun> {
  const { backend, seed } = session;
  const { width, hidden, heads, layers, tokens } = configuration;
  const model = encoder({ kernel: kernels[kernel], vocabulary: dataset.vocabulary.size, classes: dataset.classes.length, tokens, width, hidden, heads, layers });
  const parameters = model.initialize(backend, random(seed));
  const curve = { steps: [] as number[], losses: [] as number[] };
  const done: EpochResult[] = [];
  const examples = { train: examplesOf(dataset.train), test: examplesOf(dataset.test) };
  try {
    for await (const { losses, ...epoch } of trainClassifier(model, parameters, examples, { ...configuration, label: kernel, seed: seed + 1 }, session)) {
      for (const loss of losses) {
        curve.steps.push(curve.steps.length + 1);
        curve.losses.push(loss);
      }
      done.push(epoch);
      yield { kernel, epochs: [...done], curve };
    }
  } finally {
    disposeTree(parameters);
  }
}

/** Part two: the encoder with either kernel, same seed, same budget; yields all runs so far after every epoch. */
export async function* learningRuns(
  dataset: Dataset,
  configuration: LearningConfiguration,
  session: Session<unknown>,
): AsyncGenerator<LearningRun[]> {
  const finished: LearningRun[] = [];
  for (const kernel of Object.keys(kernels) as KernelName[]) {
    let latest: LearningRun | undefined;
    for await (latest of train(kernel, dataset, configuration, session)) yield [...finished, latest];
    if (latest) finished.push(latest);
  }
}

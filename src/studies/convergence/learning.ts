import { random } from "../../core/random.js";
import { gaussian } from "../../kernels/gaussian.js";
import { softmax } from "../../kernels/softmax.js";
import { encoder } from "../../nn/encoder.js";
import { disposeTree, trainClassifier, type EpochResult } from "../classifier.js";
import type { Session } from "../study.js";
import type { Kept } from "../tasks.js";
import { contentOf, type Dataset } from "../text/dataset.js";
import { examplesOf } from "../text/examples.js";
import type { Training, TrainingState } from "../training.js";
import type { LearningConfiguration } from "./configuration.js";
import type { KernelName, LearningRun } from "./measurements.js";

const kernels = { softmax: softmax(), gaussian: gaussian() } as const;

/**
 * Trains the encoder with one kernel as a classifier; `measured` gets the run so far after every epoch.
 *
 * Equal seeds give equal initial weights and equal batches, whatever the kernel.
 */
async function train(
  kernel: KernelName,
  dataset: Dataset,
  configuration: LearningConfiguration,
  session: Session<unknown>,
  kept: Kept<TrainingState<EpochResult>>,
  measured: (run: LearningRun) => Promise<void>,
): Promise<LearningRun> {
  const { backend, seed } = session;
  const { width, hidden, heads, layers, tokens } = configuration;
  const model = encoder({ kernel: kernels[kernel], vocabulary: dataset.vocabulary.size, classes: dataset.classes.length, tokens, width, hidden, heads, layers });
  const parameters = model.initialize(backend, random(seed));
  const examples = { train: examplesOf(dataset.train), test: examplesOf(dataset.test) };
  const runOf = ({ epochs, losses }: Pick<Training<EpochResult>, "epochs" | "losses">): LearningRun => ({
    kernel,
    epochs,
    curve: { steps: losses.map((_, step) => step + 1), losses },
  });
  try {
    const options = { ...configuration, label: kernel, seed: seed + 1, measured: (soFar: Parameters<typeof runOf>[0]) => measured(runOf(soFar)) };
    return runOf(await trainClassifier(model, parameters, examples, options, session, kept));
  } finally {
    disposeTree(parameters);
  }
}

/** Part two: the encoder with either kernel, same seed, same budget; `save` gets all runs so far after every epoch. */
export async function learningRuns(
  dataset: Dataset,
  configuration: LearningConfiguration,
  session: Session<unknown>,
  save: (runs: readonly LearningRun[]) => Promise<void>,
): Promise<void> {
  const depends = { configuration, seed: session.seed, data: contentOf(dataset) };
  const finished: LearningRun[] = [];
  for (const kernel of Object.keys(kernels) as KernelName[]) {
    const run = await session.task({ name: `encoder ${kernel}`, depends }, (kept: Kept<TrainingState<EpochResult>>) =>
      train(kernel, dataset, configuration, session, kept, (latest) => save([...finished, latest])),
    );
    if (run === undefined) continue;
    finished.push(run);
    await save(finished);
  }
}

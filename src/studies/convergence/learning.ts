import { gaussian } from "../../kernels/gaussian.js";
import { softmax } from "../../kernels/softmax.js";
import { contentOf, type Dataset } from "../corpus/dataset.js";
import type { Session } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import type { EpochResult } from "../training/classifier.js";
import { trainTextClassifier, type TextSettings } from "../training/text-classifier.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import type { KernelName, LearningRun } from "./measurements.js";

const kernels = { softmax: softmax(), gaussian: gaussian() } as const;

const runOf = (kernel: KernelName, { epochs, losses }: TrainingSoFar<EpochResult>): LearningRun => ({
  kernel,
  epochs,
  curve: { steps: losses.map((_, step) => step + 1), losses },
});

/** Part two: the encoder with either kernel, same seed, same budget; `save` gets all runs so far after every epoch. */
export async function learningRuns(
  dataset: Dataset,
  configuration: TextSettings,
  session: Session<unknown>,
  save: (runs: readonly LearningRun[]) => Promise<void>,
): Promise<void> {
  const { seed } = session;
  const depends = { configuration, seed, data: contentOf(dataset) };
  const finished: LearningRun[] = [];
  for (const kernel of Object.keys(kernels) as KernelName[]) {
    const options = {
      ...configuration,
      kernel: kernels[kernel],
      label: kernel,
      start: seed,
      seed: seed + 1,
      measured: (soFar: TrainingSoFar<EpochResult>) => save([...finished, runOf(kernel, soFar)]),
    };
    const run = await session.task({ name: `encoder ${kernel}`, depends }, (kept: Kept<TrainingState<EpochResult>>) =>
      trainTextClassifier(dataset, options, session, kept, (trained) => runOf(kernel, trained)),
    );
    if (run === undefined) continue;
    finished.push(run);
    await save(finished);
  }
}

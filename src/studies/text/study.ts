import type { ClassifierRun } from "../comparison/runs.js";
import { contentOf, prepareDataset, summarize, type DataSummary } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { plainKernel } from "../kernels.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import type { EpochResult } from "../training/classifier.js";
import { trainTextClassifier, type TextTrainOptions } from "../training/text-classifier.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { textFields, type TextConfiguration } from "./configuration.js";
import type { TextMeasurements } from "./measurements.js";
import { present } from "./present.js";

/** Streams of random numbers that a seed has: split, weights, order of the texts. */
const STREAMS = 3;

async function run(configuration: TextConfiguration, session: Session<TextMeasurements>): Promise<void> {
  const { data: path, kernels, seeds, ...setting } = configuration;
  kernels.forEach(plainKernel); // an unknown name must not wait for its turn
  const corpus = await openCorpus(path);
  const data = new Map<number, DataSummary>();
  const finished: ClassifierRun[] = [];
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    const dataset = prepareDataset(corpus, { ...configuration, seed: STREAMS * seed });
    session.report({ kind: "stage", title: `Seed ${seed}: ${dataset.train.count} texts to train on, ${dataset.test.count} to test on (${session.backend.device.name})` });
    const save = (latest: ClassifierRun): Promise<void> => session.save({ data: [...data.set(seed, summarize(dataset)).values()], runs: [...finished, latest] });
    for (const kernel of kernels) {
      const runOf = ({ epochs, losses }: TrainingSoFar<EpochResult>): ClassifierRun => ({ kernel, seed, epochs, losses });
      const options: TextTrainOptions = {
        ...configuration,
        kernel: plainKernel(kernel),
        optimizer: "sgd",
        label: `${kernel}, seed ${seed}`,
        start: STREAMS * seed + 1,
        seed: STREAMS * seed + 2,
        measured: (soFar) => save(runOf(soFar)),
      };
      const task = { name: `${kernel} seed ${seed}`, depends: { ...setting, data: contentOf(dataset) } };
      const done = await session.task(task, (kept: Kept<TrainingState<EpochResult>>) => trainTextClassifier(dataset, options, session, kept, runOf));
      if (done === undefined) continue;
      await save(done);
      finished.push(done);
    }
  }
}

/** The encoder on texts, kernel against kernel over seeds. */
export const text: Study<TextConfiguration, TextMeasurements> = { name: "text", configuration: record(textFields), run, present };

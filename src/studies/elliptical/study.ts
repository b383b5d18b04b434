import { contentOf, prepareDataset, summarize, type DataSummary } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { prepareWindows, type WindowSummary } from "../corpus/window-data.js";
import { encoderKernel } from "../kernels.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import type { EpochResult } from "../training/classifier.js";
import type { EpochMeasure } from "../training/epochs.js";
import type { TrainingState } from "../training/train.js";
import { ellipticalFields, type EllipticalConfiguration } from "./configuration.js";
import { classify, predictWords, STREAMS } from "./experiments.js";
import type { EllipticalMeasurements, EllipticalRun } from "./measurements.js";
import { present } from "./present.js";

async function run(configuration: EllipticalConfiguration, session: Session<EllipticalMeasurements>): Promise<void> {
  const { data: path, kernels, seeds, text, language, ...setting } = configuration;
  kernels.forEach((name) => encoderKernel(name)); // an unknown name must not wait for its turn
  const corpus = await openCorpus(path);
  const texts: DataSummary[] = [];
  const windows: WindowSummary[] = [];
  const runs: EllipticalRun[] = [];
  const save = async (done: EllipticalRun | undefined): Promise<void> => {
    if (done === undefined) return;
    runs.push(done);
    await session.save({ texts, windows, runs });
  };
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    const dataset = prepareDataset(corpus, { ...text, seed: STREAMS * seed });
    const words = prepareWindows(corpus, language, STREAMS * seed, { unknown: "predicted" });
    texts.push(summarize(dataset));
    windows.push(words.summary);
    session.report({ kind: "stage", title: `Seed ${seed}: ${dataset.train.count} texts to classify and ${words.train.count} windows to predict words in (${session.backend.device.name})` });
    for (const kernel of kernels) {
      const task = { name: `text ${kernel} seed ${seed}`, depends: { ...setting, text, data: contentOf(dataset) } };
      await save(await session.task(task, (kept: Kept<TrainingState<EpochResult>>) => classify(configuration, kernel, seed, dataset, session, kept)));
    }
    for (const kernel of kernels) {
      const { train, test, vocabulary } = words;
      const task = { name: `language ${kernel} seed ${seed}`, depends: { ...setting, language, train, test, vocabulary } };
      await save(await session.task(task, (kept: Kept<TrainingState<EpochMeasure>>) => predictWords(configuration, kernel, seed, words, session, kept)));
    }
  }
}

/** Contaminated texts with dot-product, elliptical and Mahalanobis attention over seeds. */
export const elliptical: Study<EllipticalConfiguration, EllipticalMeasurements> = { name: "elliptical", configuration: record(ellipticalFields), run, present };

import { random } from "../../core/random.js";
import { encoder } from "../../nn/encoder.js";
import { disposeTree, trainClassifier, type EpochResult, type TrainOptions } from "../classifier.js";
import type { ClassifierRun } from "../comparison/runs.js";
import { plainKernel } from "../plain-kernel.js";
import type { Session, Study } from "../study.js";
import type { Kept } from "../tasks.js";
import { spamAssassin } from "../text/corpus.js";
import { contentOf, prepareDataset, summarize, type Dataset, type DataSummary } from "../text/dataset.js";
import { examplesOf } from "../text/examples.js";
import { readCorpus } from "../text/file.js";
import type { Training, TrainingState } from "../training.js";
import type { TextConfiguration } from "./configuration.js";
import type { TextMeasurements } from "./measurements.js";
import { present } from "./present.js";

/** Streams of random numbers that a seed has: split, weights, order of the texts. */
const STREAMS = 3;

/** Trains one encoder, or goes on with it; `measured` gets the run so far after every epoch. */
async function trainRun(
  configuration: TextConfiguration,
  kernel: string,
  seed: number,
  dataset: Dataset,
  session: Session<unknown>,
  kept: Kept<TrainingState<EpochResult>>,
  measured: (run: ClassifierRun) => Promise<void>,
): Promise<ClassifierRun> {
  const { tokens, width, hidden, heads, layers } = configuration;
  const model = encoder({ kernel: plainKernel(kernel), vocabulary: dataset.vocabulary.size, classes: dataset.classes.length, tokens, width, hidden, heads, layers });
  const parameters = model.initialize(session.backend, random(STREAMS * seed + 1));
  const examples = { train: examplesOf(dataset.train), test: examplesOf(dataset.test) };
  const runOf = ({ epochs, losses }: Pick<Training<EpochResult>, "epochs" | "losses">): ClassifierRun => ({ kernel, seed, epochs, losses });
  const options: TrainOptions = { ...configuration, optimizer: "sgd", label: `${kernel}, seed ${seed}`, seed: STREAMS * seed + 2, measured: (soFar) => measured(runOf(soFar)) };
  try {
    return runOf(await trainClassifier(model, parameters, examples, options, session, kept));
  } finally {
    disposeTree(parameters);
  }
}

async function run(configuration: TextConfiguration, session: Session<TextMeasurements>): Promise<void> {
  const { data: path, kernels, seeds, ...setting } = configuration;
  kernels.forEach(plainKernel); // an unknown name must not wait for its turn
  const corpus = path === undefined ? await spamAssassin() : await readCorpus(path);
  const data = new Map<number, DataSummary>();
  const finished: ClassifierRun[] = [];
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    const dataset = prepareDataset(corpus, { ...configuration, seed: STREAMS * seed });
    session.report({ kind: "stage", title: `Seed ${seed}: ${dataset.train.count} texts to train on, ${dataset.test.count} to test on (${session.backend.device.name})` });
    const save = (latest: ClassifierRun): Promise<void> => session.save({ data: [...data.set(seed, summarize(dataset)).values()], runs: [...finished, latest] });
    for (const kernel of kernels) {
      const task = { name: `${kernel} seed ${seed}`, depends: { ...setting, data: contentOf(dataset) } };
      const done = await session.task(task, (kept: Kept<TrainingState<EpochResult>>) => trainRun(configuration, kernel, seed, dataset, session, kept, save));
      if (done === undefined) continue;
      await save(done);
      finished.push(done);
    }
  }
}

/** The encoder on texts, kernel against kernel over seeds. */
export const text: Study<TextConfiguration, TextMeasurements> = { name: "text", run, present };

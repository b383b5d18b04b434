import { random } from "../../core/random.js";
import { encoder } from "../../nn/encoder.js";
import { disposeTree, trainClassifier, type EpochResult } from "../classifier.js";
import type { ClassifierRun } from "../comparison/runs.js";
import { plainKernel } from "../plain-kernel.js";
import type { Session, Study } from "../study.js";
import { spamAssassin } from "../text/corpus.js";
import { prepareDataset, summarize, type Dataset, type DataSummary } from "../text/dataset.js";
import { examplesOf } from "../text/examples.js";
import { readCorpus } from "../text/file.js";
import type { TextConfiguration } from "./configuration.js";
import type { TextMeasurements } from "./measurements.js";
import { present } from "./present.js";

/** Streams of random numbers that a seed has: split, weights, order of the texts. */
const STREAMS = 3;

/** Trains one encoder and yields the run so far after every epoch. */
async function* trainRun(configuration: TextConfiguration, kernel: string, seed: number, dataset: Dataset, session: Session<unknown>): AsyncGenerator<ClassifierRun> {
  const { tokens, width, hidden, heads, layers } = configuration;
  const model = encoder({ kernel: plainKernel(kernel), vocabulary: dataset.vocabulary.size, classes: dataset.classes.length, tokens, width, hidden, heads, layers });
  const parameters = model.initialize(session.backend, random(STREAMS * seed + 1));
  const examples = { train: examplesOf(dataset.train), test: examplesOf(dataset.test) };
  const options = { ...configuration, optimizer: "sgd", label: `${kernel}, seed ${seed}`, seed: STREAMS * seed + 2 } as const;
  const epochs: EpochResult[] = [];
  const losses: number[] = [];
  try {
    for await (const { losses: own, ...epoch } of trainClassifier(model, parameters, examples, options, session)) {
      losses.push(...own);
      epochs.push(epoch);
      yield { kernel, seed, epochs: [...epochs], losses: [...losses] };
    }
  } finally {
    disposeTree(parameters);
  }
}

async function run(configuration: TextConfiguration, session: Session<TextMeasurements>): Promise<void> {
  const { data: path, kernels, seeds } = configuration;
  kernels.forEach(plainKernel); // an unknown name must not wait for its turn
  const corpus = path === undefined ? await spamAssassin() : await readCorpus(path);
  const data: DataSummary[] = [];
  const finished: ClassifierRun[] = [];
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    const dataset = prepareDataset(corpus, { ...configuration, seed: STREAMS * seed });
    data.push(summarize(dataset));
    session.report({ kind: "stage", title: `Seed ${seed}: ${dataset.train.count} texts to train on, ${dataset.test.count} to test on (${session.backend.device.name})` });
    for (const kernel of kernels) {
      let latest: ClassifierRun | undefined;
      for await (latest of trainRun(configuration, kernel, seed, dataset, session)) await session.save({ data, runs: [...finished, latest] });
      if (latest) finished.push(latest);
    }
  }
}

/** The encoder on texts, kernel against kernel over seeds. */
export const text: Study<TextConfiguration, TextMeasurements> = { name: "text", run, present };

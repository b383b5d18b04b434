import { meanInterval } from "../../numerics/mean-interval.js";
import { curveFigures } from "../comparison/figures.js";
import { monitorBlocks } from "../comparison/monitor.js";
import { byKernel, completeRuns, lastAccuracies, UNFINISHED, type ClassifierRun } from "../comparison/runs.js";
import { bySeed, latest, seedsOf } from "../comparison/seeds.js";
import { accuracyTable, statements } from "../comparison/tables.js";
import { contentOf, prepareDataset, summarize, type Dataset, type DataSummary } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { plainKernel } from "../kernels.js";
import {
  comparisonOptions,
  dataOption,
  modelOptions,
  monitorOption,
  splitOptions,
  trainingOptions,
} from "../options.js";
import { formatPercent, paragraph } from "../report/report.js";
import { oneOf } from "../runner/options.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochResult } from "../training/classifier.js";
import { trainTextClassifier } from "../training/text-classifier.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";

/** Random streams per seed: split, weights, order of the texts. */
const STREAMS = 3;

interface TextResult {
  readonly data: DataSummary;
  readonly run: ClassifierRun;
}

/** An encoder on texts. For a seed every kernel has the same split, start, batches and steps. */
export const text = declareStudy({
  name: "text",
  question: "an encoder on real text by stochastic gradient descent: comparison of kernels over seeds",
  title: "Text: attention kernels over seeds",
  options: {
    scale: oneOf("quick", ["quick", "full"]),
    unit: oneOf("words", ["words", "bytes"]),
    ...comparisonOptions(["softmax", "gaussian"], 5, "splits, starts and orders"),
    ...splitOptions({ tokens: 32, train: 896, test: 512, vocabulary: 4000 }, "words or bytes of a text"),
    ...modelOptions({ width: 32, hidden: 64, heads: 2, layers: 2 }),
    ...trainingOptions({ batch: 16, epochs: 6, learningRate: 0.01 }),
    monitor: monitorOption,
    data: dataOption,
  },
  presets: {
    // the encoder of arXiv 2411.07538 on sequences as long as in Long Range Arena, arXiv 2011.04006
    full: {
      help: "sequences of up to 4,096 bytes, for a hardware adapter",
      options: {
        scale: "full",
        unit: "bytes",
        tokens: 4096,
        train: 4800,
        test: 960,
        vocabulary: 256,
        width: 64,
        hidden: 128,
        batch: 32,
        epochs: 20,
        monitor: 0, // a map of 4,096 tokens has 16 million weights
      },
    },
  },
  check: ({ kernels }) => kernels.forEach(plainKernel),

  async data(options, _, report) {
    const corpus = await openCorpus(options.data);
    return latest((seed): Dataset => {
      const dataset = prepareDataset(corpus, { ...options, seed: STREAMS * seed });
      report({ kind: "note", text: `${dataset.train.count} texts to train on, ${dataset.test.count} to test on` });
      return dataset;
    });
  },

  tasks(options, first) {
    const { kernels, seeds, ...rest } = options;
    const taskOf = (
      kernel: string,
      seed: number,
    ): Task<(seed: number) => Dataset, TextResult, TrainingState<EpochResult>> => ({
      name: `${kernel} seed ${seed}`,
      stage: `Seed ${seed}`,
      depends: (dataOf) => ({ ...rest, data: contentOf(dataOf(seed)) }),
      async run(dataOf, work) {
        const dataset = dataOf(seed);
        const resultOf = ({ epochs, losses, watched }: TrainingSoFar<EpochResult>): TextResult => ({
          data: summarize(dataset),
          run: { kernel, seed, epochs, losses, watched },
        });
        const streams = { start: STREAMS * seed + 1, seed: STREAMS * seed + 2 };
        const training = {
          ...options,
          ...streams,
          kernel: plainKernel(kernel),
          optimizer: "sgd",
          label: `${kernel}, seed ${seed}`,
        } as const;
        return trainTextClassifier(
          dataset,
          { ...training, measured: (soFar) => work.measured(resultOf(soFar)) },
          work,
          resultOf,
        );
      },
    });
    return seedsOf(first, { seeds }).flatMap((seed) => kernels.map((kernel) => taskOf(kernel, seed)));
  },

  gather: (done: readonly TextResult[]) => ({
    data: bySeed(done, ({ data }) => data),
    runs: done.map(({ run }) => run),
  }),

  report({ data, runs }, { unit, tokens, layers, width, hidden, heads, batch, epochs, learningRate }) {
    const complete = completeRuns(runs, epochs);
    const [{ name, train, test, leftOut }] = data;
    const always =
      "always answering the most frequent class: " +
      `${formatPercent(meanInterval(data.map(({ majority }) => majority)).mean)}`;
    const caution =
      "Splits of one corpus share texts, so the seeds are not quite independent, and both intervals are " +
      "somewhat too narrow.";
    const blocks = [
      paragraph(
        `${name}: ${train} texts to train on and ${test} to test on, stratified, another split for every ` +
          `seed; ${leftOut} texts without ${unit} or with the same first ${tokens} ` +
          `${unit} as another were left out. An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ` +
          `${heads} heads, mean pooling) reads the first ${tokens} ${unit}; stochastic gradient ` +
          `descent with momentum 0.9, learning rate ${learningRate}, ${epochs} epochs in batches of ${batch}. ` +
          "For a seed every kernel has the same texts, start, batches and number of steps.",
      ),
      ...(complete.length === 0
        ? []
        : [accuracyTable(complete, { test, examples: "texts", baseline: `For comparison, ${always}. ${caution}` })]),
      ...statements(complete).map(paragraph),
      ...curveFigures(runs, "Text", "texts"),
      ...monitorBlocks(runs),
    ];
    if (complete.length === 0) return { answer: UNFINISHED, blocks };
    const means = [...byKernel(complete)].map(
      ([kernel, own]) => `${kernel} ${formatPercent(meanInterval(lastAccuracies(own)).mean)}`,
    );
    return {
      answer: `Test accuracy: ${means.join(", ")} (${always}). ${statements(complete).join(" ")}`.trim(),
      blocks,
    };
  },
});

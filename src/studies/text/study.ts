import { ratedRuns, ratedTasks, type RatedResult, type RatedTask } from "../comparison/rates.js";
import { bySeed, latest } from "../comparison/seeds.js";
import { contentOf, prepareDataset, summarize, type Dataset, type DataSummary } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { plainKernel } from "../kernels.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochResult } from "../training/classifier.js";
import { trainTextClassifier } from "../training/text-classifier.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { textOptions } from "./options.js";
import { report } from "./report.js";

/** Random streams per seed: split, weights, order of the texts. */
const STREAMS = 3;

interface TextResult extends RatedResult {
  readonly data: DataSummary;
}

type TextTask = Task<(seed: number) => Dataset, TextResult, TrainingState<EpochResult>>;

/** An encoder on texts. For a seed every kernel has the same split, start, batches and steps. */
export const text = declareStudy({
  name: "text",
  question:
    "an encoder on real text: accuracy of kernels over seeds, and steps to given losses, each at its own learning rate",
  title: "Text: attention kernels over seeds",
  options: textOptions,
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

  tasks: (options, first) =>
    ratedTasks(options, first, ({ kernel, seed, isTrial, rateOf, ...task }: RatedTask<TextResult>, own): TextTask => ({
      ...task,
      depends: (dataOf, needed) => ({
        ...own,
        learningRate: rateOf(needed),
        data: contentOf(dataOf(seed)),
      }),
      async run(dataOf, work, needed) {
        const dataset = dataOf(seed);
        const learningRate = rateOf(needed);
        const resultOf = ({ epochs, losses, watched }: TrainingSoFar<EpochResult>): TextResult => ({
          data: summarize(dataset),
          run: { kernel, seed, learningRate, epochs, losses, watched },
          isTrial,
        });
        const training = {
          ...own,
          learningRate,
          start: STREAMS * seed + 1,
          seed: STREAMS * seed + 2,
          kernel: plainKernel(kernel),
          label: task.name,
          measured: (soFar: TrainingSoFar<EpochResult>) => work.measured(resultOf(soFar)),
        };
        return trainTextClassifier(dataset, training, work, resultOf);
      },
    })),

  gather: (done: readonly TextResult[]) => ({ data: bySeed(done, ({ data }) => data), ...ratedRuns(done) }),
  report,
});

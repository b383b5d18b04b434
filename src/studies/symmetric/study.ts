import { random } from "../../core/random.js";
import { disposeTree, countParameters } from "../../core/tensor.js";
import { encoder } from "../../nn/encoder.js";
import { bySeed, latest, seedsOf } from "../comparison/seeds.js";
import { openCorpus } from "../corpus/file.js";
import { prepareWindows, type WindowData, type WindowSummary } from "../corpus/window-data.js";
import { encoderKernel } from "../kernels.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochMeasure } from "../training/epochs.js";
import { maskedPredictions } from "../training/masking.js";
import { trainPredictions } from "../training/predictions.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { symmetricOptions } from "./options.js";
import { publishedTable, report } from "./report.js";
import type { SymmetricRun } from "./steps.js";

/** Random streams per seed: split, weights, order of the windows, masks to train on, masks to test on. */
const STREAMS = 5;

interface SymmetricResult {
  readonly data: WindowSummary;
  readonly run: SymmetricRun;
}

/**
 * A small encoder predicts masked words. For a seed every kernel has the same texts, masks, batches, steps and stream
 * of weights.
 */
export const symmetric = declareStudy({
  name: "symmetric",
  question: "masked words with dot-product, symmetric and pairwise attention: how many steps to the same loss?",
  title: "Masked words with dot-product, symmetric and pairwise attention",
  options: symmetricOptions,
  check: ({ kernels }) => kernels.forEach((name) => encoderKernel(name)),

  async data(options, _, report) {
    const corpus = await openCorpus(options.data);
    return latest((seed): WindowData => {
      const windows = prepareWindows(corpus, options, STREAMS * seed, { unknown: "never" });
      report({ kind: "note", text: `${windows.train.count} windows to train on, ${windows.test.count} to test on` });
      return windows;
    });
  },

  tasks(options, first) {
    const { kernels, seeds, ...rest } = options;
    const { tokens, width, hidden, heads, layers } = options;
    const taskOf = (
      kernel: string,
      seed: number,
    ): Task<(seed: number) => WindowData, SymmetricResult, TrainingState<EpochMeasure>> => ({
      name: `${kernel} seed ${seed}`,
      stage: `Seed ${seed}`,
      depends(dataOf) {
        const { train, test, vocabulary } = dataOf(seed);
        return { ...rest, data: undefined, train, test, vocabulary };
      },
      async run(dataOf, work) {
        const { vocabulary, train, test, summary: data } = dataOf(seed);
        const stream = (index: number): number => STREAMS * seed + index;
        // the mask is an input token, but no class
        const model = encoder({
          tokens,
          width,
          hidden,
          heads,
          layers,
          kernel: encoderKernel(kernel),
          vocabulary: vocabulary + 1,
          classes: vocabulary,
        });
        const parameters = model.initialize(work.backend, random(stream(1)));
        const sizes = {
          parameters: countParameters(parameters),
          attentionParameters: countParameters(parameters.layers.map(({ attention }) => attention)),
        };
        const resultOf = ({ epochs, losses, watched }: TrainingSoFar<EpochMeasure>): SymmetricResult => ({
          data,
          run: { kernel, seed, ...sizes, epochs, losses, watched },
        });
        const predictions = {
          train: maskedPredictions(train, vocabulary, random(stream(3))),
          test: maskedPredictions(test, vocabulary, random(stream(4))),
        };
        const training = {
          ...options,
          label: `${kernel}, seed ${seed}`,
          seed: stream(2),
          measured: (soFar: TrainingSoFar<EpochMeasure>) => work.measured(resultOf(soFar)),
        };
        try {
          return resultOf(await trainPredictions(model, parameters, predictions, training, work));
        } finally {
          disposeTree(parameters);
        }
      },
    });
    return seedsOf(first, { seeds }).flatMap((seed) => kernels.map((kernel) => taskOf(kernel, seed)));
  },

  gather: (done: readonly SymmetricResult[]) => ({
    data: bySeed(done, ({ data }) => data),
    runs: done.map(({ run }) => run),
  }),
  report: (measurements, options) => report(measurements, options),
  appendix: () => [publishedTable()],
});

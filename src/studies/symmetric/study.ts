import { multiply } from "../../autograd/ops.js";
import { random } from "../../core/random.js";
import { disposeTree, countParameters, tensorsIn } from "../../core/tensor.js";
import { encoder } from "../../nn/encoder.js";
import { constantSchedule } from "../../nn/schedules.js";
import { bySeed, latest, seedsOf } from "../comparison/seeds.js";
import { openCorpus } from "../corpus/file.js";
import type { WindowSummary } from "../corpus/window-data.js";
import { encoderKernel } from "../kernels.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochMeasure } from "../training/epochs.js";
import { maskedPredictions } from "../training/masking.js";
import { trainPredictions } from "../training/predictions.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { checkTask, derive, symmetricOptions } from "./options.js";
import { publishedTable, report } from "./report.js";
import { repeatSequences, textSequences, type Sequences } from "./sequences.js";
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
  derive,
  check(options) {
    checkTask(options);
    options.kernels.forEach((name) => encoderKernel(name));
  },

  async data(options, _, report) {
    const corpus = options.task === "texts" ? await openCorpus(options.data) : undefined;
    return latest((seed): Sequences => {
      const own = STREAMS * seed;
      const sequences = corpus === undefined ? repeatSequences(options, own) : textSequences(corpus, options, own);
      const { train, test } = sequences.summary;
      report({ kind: "note", text: `${train} windows to train on, ${test} to test on` });
      return sequences;
    });
  },

  tasks(options, first) {
    const { kernels, seeds, ...rest } = options;
    const { tokens, width, hidden, heads, layers, norm, spread, learningRate, warmup } = options;
    const taskOf = (
      kernel: string,
      seed: number,
    ): Task<(seed: number) => Sequences, SymmetricResult, TrainingState<EpochMeasure>> => ({
      name: `${kernel} seed ${seed}`,
      stage: `Seed ${seed}`,
      depends(dataOf) {
        return { ...rest, data: undefined, sequences: dataOf(seed).depends };
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
          norm,
          kernel: encoderKernel(kernel),
          vocabulary: vocabulary + 1,
          classes: vocabulary,
        });
        const parameters = model.initialize(work.backend, random(stream(1)));
        for (const tensor of tensorsIn(parameters.layers))
          if (spread !== 1 && tensor.shape.length === 2)
            tensor.assign(work.backend.scope(() => multiply(tensor, spread)));
        const sizes = {
          parameters: countParameters(parameters),
          attentionParameters: countParameters(parameters.layers.map(({ attention }) => attention)),
        };
        const resultOf = ({ epochs, losses, watched }: TrainingSoFar<EpochMeasure>): SymmetricResult => ({
          data,
          run: { kernel, seed, ...sizes, epochs, losses, watched },
        });
        const predictions = {
          train: maskedPredictions(train(), vocabulary, random(stream(3))),
          test: maskedPredictions(() => test, vocabulary, random(stream(4))),
        };
        const training = {
          ...options,
          learningRate: constantSchedule({ start: learningRate, warmup }),
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

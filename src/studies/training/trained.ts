import { softmax } from "../../kernels/softmax.js";
import { stateDict } from "../../nn/trees.js";
import { loadTransformer, type LoadedTransformer } from "../../weights/load-transformer.js";
import { encodeSafetensors, openSafetensors } from "../../weights/safetensors.js";
import { latest } from "../comparison/seeds.js";
import { prepareDataset, type Dataset } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { dataOption, modelOptions, splitOptions, trainingOptions } from "../options.js";
import { whole, type Values } from "../runner/options.js";
import type { Work } from "../runner/study.js";
import type { EpochResult } from "./classifier.js";
import { trainTextClassifier } from "./text-classifier.js";
import type { TrainingState } from "./train.js";

/** Random streams per seed: split, weights, order of the training, and two for what a study does with the model. */
export const STREAMS = 5;

/** Options of studies of trained encoders; equal options give equal encoders. */
export const trainedOptions = {
  seeds: whole(5, { least: 1, most: 1000, help: "splits, starts and orders" }),
  ...splitOptions({ tokens: 24, train: 2048, test: 1024, vocabulary: 4000 }, "words of a text"),
  ...modelOptions({ width: 32, hidden: 64, heads: 4, layers: 2 }),
  ...trainingOptions({ batch: 32, epochs: 3, learningRate: 0.003 }),
  data: dataOption,
};
export type TrainedOptions = Values<typeof trainedOptions>;

/** A `Work` that stores nothing: the trainings within a task start again if the task is stopped. */
export const unstored = <State>(work: Work): Work<State> => ({
  ...work,
  state: undefined,
  isDue: () => false,
  store: () => Promise.resolve(),
});

/** The texts of every seed, split and encoded. */
export async function textsBySeed(options: TrainedOptions): Promise<(seed: number) => Dataset> {
  const corpus = await openCorpus(options.data);
  return latest((seed) => prepareDataset(corpus, { ...options, seed: STREAMS * seed }));
}

/** An encoder with softmax, trained on the texts, as `loadTransformer` gives a stored one. */
export async function trainedTransformer(
  dataset: Dataset,
  options: TrainedOptions,
  seed: number,
  work: Work<TrainingState<EpochResult>>,
): Promise<LoadedTransformer> {
  const settings = {
    ...options,
    kernel: softmax(),
    label: `training, seed ${seed}`,
    start: STREAMS * seed + 1,
    seed: STREAMS * seed + 2,
  };
  return trainTextClassifier(dataset, settings, work, async ({ parameters }) => {
    const file = await openSafetensors(encodeSafetensors(await stateDict(parameters)));
    return loadTransformer(work.backend, file, { heads: options.heads, norm: "pre" });
  });
}

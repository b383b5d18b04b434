import { indices } from "../../core/indices.js";
import { random } from "../../core/random.js";
import { disposeTree } from "../../core/tensor.js";
import type { TiledKernel } from "../../kernels/kernel.js";
import { encoder, type Encoder, type EncoderParameters } from "../../nn/encoder.js";
import { rowsOf, type Dataset, type EncodedExamples } from "../corpus/dataset.js";
import type { Work } from "../runner/study.js";
import { trainClassifier, type EpochResult, type Examples, type TrainOptions } from "./classifier.js";
import type { EncoderSettings, Training, TrainingState } from "./train.js";

export interface TextTrainOptions extends EncoderSettings, TrainOptions {
  readonly kernel: TiledKernel;
  /** Seed of the initial weights. */
  readonly start: number;
}

export interface TrainedEncoder extends Training<EpochResult> {
  readonly model: Encoder;
  readonly parameters: EncoderParameters;
}

/** Encoded texts as examples of a classifier. */
export const textExamples = (texts: EncodedExamples): Examples => ({
  labels: texts.labels,
  inputs: (rows) => indices(rowsOf(texts, rows), [rows.length, texts.tokens]),
});

/**
 * Trains an encoder as a classifier of texts, or continues a stored training; returns the result of `use`, then
 * disposes the weights.
 *
 * Equal seeds give equal initial weights and equal batches, whatever the kernel.
 */
export async function trainTextClassifier<Result>(
  { vocabulary, classes, train, test }: Dataset,
  { kernel, start, width, hidden, heads, layers, ...options }: TextTrainOptions,
  work: Work<TrainingState<EpochResult>>,
  use: (trained: TrainedEncoder) => Result | Promise<Result>,
): Promise<Result> {
  const model = encoder({
    kernel,
    vocabulary: vocabulary.size,
    classes: classes.length,
    tokens: train.tokens,
    width,
    hidden,
    heads,
    layers,
  });
  const parameters = model.initialize(work.backend, random(start));
  try {
    const examples = { train: textExamples(train), test: textExamples(test) };
    return await use({ model, parameters, ...(await trainClassifier(model, parameters, examples, options, work)) });
  } finally {
    disposeTree(parameters);
  }
}

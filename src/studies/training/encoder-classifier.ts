import { random } from "../../core/random.js";
import { disposeTree } from "../../core/tensor.js";
import type { TiledKernel } from "../../kernels/kernel.js";
import { encoder, type Encoder, type EncoderParameters } from "../../nn/encoder.js";
import type { Work } from "../runner/study.js";
import { trainClassifier, type EpochResult, type Examples, type TrainOptions } from "./classifier.js";
import type { EncoderSettings, Training, TrainingState } from "./train.js";

/** What an encoder classifies. */
export interface Classification {
  /** Ids of a vocabulary, or features of a token. */
  readonly vocabulary: number;
  readonly classes: number;
  readonly tokens: number;
  readonly train: Examples;
  readonly test: Examples;
}

export interface EncoderTrainOptions extends EncoderSettings, Omit<TrainOptions, "learningRate"> {
  readonly kernel: TiledKernel;
  /** Seed of the initial weights. */
  readonly start: number;
}

export interface TrainedEncoder extends Training<EpochResult> {
  readonly model: Encoder;
  readonly parameters: EncoderParameters;
}

/**
 * Trains an encoder as a classifier, or continues a stored training; returns the result of `use`, then disposes the
 * weights.
 *
 * Equal seeds give equal initial weights and equal batches, whatever the kernel.
 */
export async function trainEncoderClassifier<Result>(
  { train, test, ...sizes }: Classification,
  { kernel, start, width, hidden, heads, layers, ...options }: EncoderTrainOptions,
  work: Work<TrainingState<EpochResult>>,
  use: (trained: TrainedEncoder) => Result | Promise<Result>,
): Promise<Result> {
  const model = encoder({ kernel, ...sizes, width, hidden, heads, layers });
  const parameters = model.initialize(work.backend, random(start));
  try {
    const training = await trainClassifier(model, parameters, { train, test }, options, work);
    return await use({ model, parameters, ...training });
  } finally {
    disposeTree(parameters);
  }
}

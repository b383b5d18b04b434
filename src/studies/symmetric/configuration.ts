import type { WindowSettings } from "../corpus/window-data.js";
import { comparisonFields, dataField, encoderFields, windowFields } from "../limits.js";
import type { Fields } from "../runner/schema.js";
import type { EncoderSettings } from "../training/train.js";

/** Masked words predicted by a small encoder, every kernel with the same texts, masks, batches, steps and stream of weights for a seed. */
export interface SymmetricConfiguration extends WindowSettings, EncoderSettings {
  /** A file of the user's own; the SpamAssassin corpus where absent. */
  readonly data?: string;
  /** Names that `encoderKernel` knows; the first is what others are compared with. */
  readonly kernels: readonly string[];
  readonly seeds: number;
  /** Of Adam, constant. */
  readonly learningRate: number;
}

export const symmetricFields = { ...dataField, ...comparisonFields, ...encoderFields, ...windowFields } as const satisfies Fields<SymmetricConfiguration>;

/** What two cores learn in minutes. */
export const quickSymmetric: SymmetricConfiguration = {
  kernels: ["softmax", "symmetric", "pairwise", "pairwiseScaled"],
  seeds: 3,
  texts: 1024,
  testTexts: 256,
  length: 64,
  tokens: 16,
  train: 2048,
  test: 256,
  vocabulary: 300,
  width: 32,
  hidden: 64,
  heads: 2,
  layers: 2,
  batch: 32,
  epochs: 12,
  learningRate: 0.003,
};

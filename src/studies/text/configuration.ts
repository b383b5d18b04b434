import { comparisonFields, dataField, encoderFields, splitFields } from "../limits.js";
import { oneOf, optional, type Fields } from "../runner/schema.js";
import type { TextSettings } from "../training/text-classifier.js";

/** The encoder on texts, every kernel with the same split, start, batches and steps for a seed. */
export interface TextConfiguration extends TextSettings {
  readonly scale: "quick" | "full";
  /** A file of the user's own; the SpamAssassin corpus where absent. */
  readonly data?: string;
  /** Names of the registry; kernels that need further inputs are refused. The first is what others are compared with. */
  readonly kernels: readonly string[];
  readonly seeds: number;
  /** Of gradient descent with momentum 0.9. */
  readonly learningRate: number;
}

export const textFields = {
  ...dataField,
  ...comparisonFields,
  ...encoderFields,
  ...splitFields,
  scale: oneOf(["quick", "full"]),
  unit: optional(oneOf(["words", "bytes"])),
} as const satisfies Fields<TextConfiguration>;

/** The first words of mails, as much as two cores learn in minutes. */
export const quickText: TextConfiguration = {
  scale: "quick",
  unit: "words",
  kernels: ["softmax", "gaussian"],
  seeds: 5,
  tokens: 32,
  train: 896,
  test: 512,
  vocabulary: 4000,
  width: 32,
  hidden: 64,
  heads: 2,
  layers: 2,
  batch: 16,
  epochs: 6,
  learningRate: 0.01,
};

/**
 * The encoder of arXiv 2411.07538 (two layers, width 64, hidden 128, two heads, stochastic gradient descent) on up to 4,096 bytes of a text, as in Long
 * Range Arena, arXiv 2011.04006: for a hardware adapter.
 */
export const fullText: TextConfiguration = {
  ...quickText,
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
};

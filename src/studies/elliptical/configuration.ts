import type { WindowSettings } from "../corpus/window-data.js";
import { comparisonFields, dataField, HEADS, LAYERS, SHARE, splitFields, trainingFields, WIDTH, windowFields } from "../limits.js";
import { list, record, type Fields } from "../runner/schema.js";
import type { EncoderSettings } from "../training/train.js";

type Training = Pick<EncoderSettings, "batch" | "epochs" | "learningRate">;

/** Encoders that classify texts and that predict next words, trained on clean texts, tested on contaminated ones. */
export interface EllipticalConfiguration extends Omit<EncoderSettings, keyof Training> {
  /** A file of the user's own; the SpamAssassin corpus where absent. */
  readonly data?: string;
  /** Names that `encoderKernel` knows; the first is what others are compared with. */
  readonly kernels: readonly string[];
  readonly seeds: number;
  /** Shares of the tokens that are swapped for random words in tests, increasing. */
  readonly contamination: readonly number[];
  /** Classification by stochastic gradient descent with momentum 0.9. */
  readonly text: Training & { readonly tokens: number; readonly train: number; readonly test: number; readonly vocabulary: number };
  /** Next words by Adam. */
  readonly language: Training & WindowSettings;
}

export const ellipticalFields = {
  ...dataField,
  ...comparisonFields,
  contamination: list(SHARE, 1, 64),
  width: WIDTH,
  hidden: WIDTH,
  heads: HEADS,
  layers: LAYERS,
  text: record({ ...trainingFields, ...splitFields } satisfies Fields<EllipticalConfiguration["text"]>),
  language: record({ ...trainingFields, ...windowFields } satisfies Fields<EllipticalConfiguration["language"]>),
} as const satisfies Fields<EllipticalConfiguration>;

/** What two cores learn in minutes. */
export const quickElliptical: EllipticalConfiguration = {
  kernels: ["softmax", "elliptical", "mahalanobisNormalized"],
  seeds: 4,
  contamination: [0, 0.1, 0.2, 0.3],
  width: 32,
  hidden: 64,
  heads: 4,
  layers: 2,
  text: { tokens: 32, train: 896, test: 512, vocabulary: 4000, batch: 16, epochs: 4, learningRate: 0.01 },
  language: { texts: 1024, testTexts: 256, length: 64, tokens: 16, train: 2048, test: 256, vocabulary: 300, batch: 32, epochs: 4, learningRate: 0.003 },
};

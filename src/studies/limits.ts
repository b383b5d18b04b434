import { optional, list, real, text, whole, type Fields } from "./runner/schema.js";
import type { EncoderSettings } from "./training/train.js";

/** Studies make streams of their own of a seed, at most seven, which must stay below 2^32. */
export const SEED = whole(0, 500_000_000);
/** Of studies whose seeds take minutes each. */
export const SEEDS = whole(1, 1000);
/** Of studies whose seeds take seconds. */
export const MANY_SEEDS = whole(1, 10_000);
export const EPOCHS = whole(1, 10_000);
export const STEPS = whole(1, 1_000_000);
/** Texts or windows, of which a study takes what there are. */
export const EXAMPLES = whole(8, 1_000_000);
/** Words or bytes of a text; Long Range Arena has 4,096. */
const TOKENS = whole(1, 16_384);
export const WIDTH = whole(1, 4096);
export const HEADS = whole(1, 256);
export const LAYERS = whole(1, 64);
const VOCABULARY = whole(1, 1_000_000);
/** A share of something. */
export const SHARE = real(0, 1);

/** The kernels and seeds of a comparison, and the file of the user's own. */
export const comparisonFields = { kernels: list(text, 1, 64), seeds: SEEDS } as const;
export const dataField = { data: optional(text) } as const;

export const trainingFields = { batch: whole(1, 100_000), epochs: EPOCHS, learningRate: real(0, 1000) } as const;

export const encoderFields = { width: WIDTH, hidden: WIDTH, heads: HEADS, layers: LAYERS, ...trainingFields } as const satisfies Fields<EncoderSettings>;

/** Of texts that are cut, split and encoded. */
export const splitFields = { tokens: TOKENS, train: EXAMPLES, test: EXAMPLES, vocabulary: VOCABULARY } as const;

/** Of texts that become windows to predict words in. */
export const windowFields = {
  texts: EXAMPLES,
  testTexts: EXAMPLES,
  length: TOKENS,
  tokens: whole(2, 16_384),
  train: whole(1, 1_000_000),
  test: whole(1, 1_000_000),
  vocabulary: VOCABULARY,
} as const;

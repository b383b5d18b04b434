import type { WeightName } from "../theory/problem.js";
import { kernelNames, optionalText, real, whole, type Option } from "./runner/options.js";
import * as schemas from "./runner/schema.js";

/** Studies derive at most seven random streams from a seed; the seeds of the streams must stay below 2^32. */
export const SEED = { least: 0, most: 500_000_000 };
export const SEEDS = { least: 1, most: 1000 };
export const EPOCHS = { least: 1, most: 10_000 };
export const STEPS = { least: 1, most: 1_000_000 };
/** Texts or windows. A study uses fewer if there are fewer. */
const EXAMPLES = { least: 8, most: 1_000_000 };
/** Words or bytes of a text; Long Range Arena has 4,096. */
const TOKENS = { least: 1, most: 16_384 };
export const WIDTH = { least: 1, most: 4096 };
export const HEADS = { least: 1, most: 256 };
export const LAYERS = { least: 1, most: 64 };
const VOCABULARY = { least: 1, most: 1_000_000 };

/** Standard deviations of the initial weights of a single layer, times 1/√(rows of the matrix). */
export type Scales = Readonly<Record<WeightName, number>>;
const deviation = schemas.real(-1000, 1000);
export const scalesSchema = schemas.record({
  query: deviation,
  key: deviation,
  value: deviation,
  output: deviation,
} satisfies schemas.Fields<Scales>);

/** `--data`: the user's own texts or pictures. Default: the SpamAssassin corpus. */
export const dataOption = optionalText({
  flag: "data",
  argument: "path",
  help: "your own texts: CSV or TSV with columns text and label, JSON Lines, a folder for each class; or pictures",
});

/** `--kernels` and `--seeds` of a comparison. */
export const comparisonOptions = (
  kernels: readonly string[],
  seeds: number,
  seedsOf: string,
): { kernels: Option<readonly string[]>; seeds: Option<number> } => ({
  kernels: kernelNames(kernels, "kernel names, separated by commas; the others are compared with the first"),
  seeds: whole(seeds, { ...SEEDS, help: seedsOf }),
});

/** Defaults of numeric options. */
export type Numbers<Name extends string> = Readonly<Record<Name, number>>;

export const epochOptions = ({ batch, epochs }: Numbers<"batch" | "epochs">) => ({
  batch: whole(batch, { least: 1, most: 100_000 }),
  epochs: whole(epochs, { ...EPOCHS, help: "epochs of every encoder" }),
});

/** `epochOptions`, and one learning rate for all kernels. */
export const trainingOptions = ({ learningRate, ...rest }: Numbers<"batch" | "epochs" | "learningRate">) => ({
  ...epochOptions(rest),
  learningRate: real(learningRate, { least: 0, most: 1000, help: "learning rate of every encoder" }),
});

/** `--monitor` of studies that train encoders. */
export const monitorOption = whole(50, {
  least: 0,
  most: STEPS.most,
  help: "steps between two looks of the monitor at a training; 0 for none",
});

export const modelOptions = ({ width, hidden, heads, layers }: Numbers<"width" | "hidden" | "heads" | "layers">) => ({
  width: whole(width, WIDTH),
  hidden: whole(hidden, WIDTH),
  heads: whole(heads, HEADS),
  layers: whole(layers, LAYERS),
});

/** Options of texts that are cut, split and encoded. */
export const splitOptions = (
  { tokens, train, test, vocabulary }: Numbers<"tokens" | "train" | "test" | "vocabulary">,
  tokensOf?: string,
) => ({
  tokens: whole(tokens, { ...TOKENS, help: tokensOf }),
  train: whole(train, { ...EXAMPLES, flag: "examples", help: "texts to train on" }),
  test: whole(test, EXAMPLES),
  vocabulary: whole(vocabulary, VOCABULARY),
});

/** Options of windows of texts in which words are predicted; `trainFlag` sets how many windows are trained on. */
export const windowOptions = (
  {
    texts,
    testTexts,
    length,
    tokens,
    train,
    test,
    vocabulary,
  }: Numbers<"texts" | "testTexts" | "length" | "tokens" | "train" | "test" | "vocabulary">,
  [trainFlag, trainHelp]: readonly [string, string],
) => ({
  texts: whole(texts, EXAMPLES),
  testTexts: whole(testTexts, EXAMPLES),
  length: whole(length, TOKENS),
  tokens: whole(tokens, { least: 2, most: TOKENS.most, help: "words of a window" }),
  train: whole(train, { least: 1, most: 1_000_000, flag: trainFlag, help: trainHelp }),
  test: whole(test, { least: 1, most: 1_000_000 }),
  vocabulary: whole(vocabulary, VOCABULARY),
});

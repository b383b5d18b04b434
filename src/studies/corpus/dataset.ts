import { DataError } from "../../core/errors.js";
import { showJson } from "../../core/json.js";
import { random, type Random } from "../../core/random.js";
import type { Corpus } from "./corpus.js";
import { bytesOf, tokenize } from "./tokenize.js";
import { buildVocabulary, encode, type Vocabulary } from "./vocabulary.js";

/** A text as words or bytes, and the index of its class. */
export interface TokenizedExample {
  readonly tokens: readonly string[];
  readonly label: number;
}

/** Token ids `[count, tokens]`, row-major, and one label per row. */
export interface EncodedExamples {
  readonly count: number;
  readonly tokens: number;
  readonly ids: Int32Array;
  readonly labels: Int32Array;
}

/** A corpus prepared for training; the vocabulary comes from the training part only. */
export interface Dataset {
  readonly name: string;
  readonly classes: readonly string[];
  readonly vocabulary: Vocabulary;
  readonly train: EncodedExamples;
  readonly test: EncodedExamples;
  /** Number of texts left out because they have no words or the same words as another. */
  readonly leftOut: number;
  /** Share of the most frequent class in the test part: the accuracy of a constant answer. */
  readonly majority: number;
}

export interface DatasetOptions {
  readonly seed: number;
  /** The unit of a token. Default words. */
  readonly unit?: "words" | "bytes";
  /** Tokens of each text; longer texts are cut, shorter ones padded. */
  readonly tokens: number;
  readonly train: number;
  readonly test: number;
  /** Number of the training part's most frequent tokens that get their own id. */
  readonly vocabulary: number;
}

const FEWEST_PER_CLASS = 4;
/** With too few examples the test part shrinks first, down to this share of them; only then the training part. */
const SMALLEST_TEST_SHARE = 0.2;

function tokenizeCorpus(
  corpus: Corpus,
  { tokens, unit }: DatasetOptions,
): { classes: string[]; examples: TokenizedExample[] } {
  const classes = [...new Set(corpus.examples.map((example) => example.label))].sort();
  const seen = new Set<string>();
  const examples: TokenizedExample[] = [];
  const unitsOf = unit === "bytes" ? (corpus.bytes ?? bytesOf) : (corpus.tokenize ?? tokenize);
  for (const { text, label } of corpus.examples) {
    const words = unitsOf(text, tokens);
    const key = words.join(" ");
    // a copy of a training text in the test part would leak its label
    if (words.length === 0 || seen.has(key)) continue;
    seen.add(key);
    examples.push({ tokens: words, label: classes.indexOf(label) });
  }
  return { classes, examples };
}

/** Whole numbers in the ratio of `sizes` that sum to `total`, by largest remainders, at least one each. */
function apportion(sizes: readonly number[], total: number): number[] {
  const sum = sizes.reduce((a, b) => a + b);
  const exact = sizes.map((size) => (size / sum) * total);
  const counts = exact.map((share) => Math.max(1, Math.floor(share)));
  const order = exact
    .map((share, index) => ({ index, rest: share - Math.floor(share) }))
    .sort((a, b) => b.rest - a.rest);
  let left = total - counts.reduce((a, b) => a + b);
  for (const { index } of order) if (left-- > 0) counts[index]++;
  return counts;
}

/**
 * A seeded split in which every class has the same share of both parts; the parts share no example.
 *
 * If there are too few examples, the test part shrinks first: to a fifth of all examples or to its requested share,
 * whichever is smaller. Then both shrink.
 * @throws DataError when there are fewer than two classes, or fewer than four examples of one.
 */
export function stratifiedSplit(
  examples: readonly TokenizedExample[],
  classes: readonly string[],
  source: Random,
  sizes: { readonly train: number; readonly test: number },
): { train: TokenizedExample[]; test: TokenizedExample[] } {
  const groups = classes.map((_, label) => source.shuffle(examples.filter((example) => example.label === label)));
  const smallest = groups.findIndex((group) => group.length < FEWEST_PER_CLASS);
  if (classes.length < 2 || smallest >= 0) {
    throw new DataError({
      where: "stratifiedSplit",
      argument: "examples",
      wanted: `two classes or more, each with at least ${FEWEST_PER_CLASS} different texts`,
      got:
        classes.length < 2
          ? `${classes.length} class`
          : `${groups[smallest].length} for class ${showJson(classes[smallest])}`,
      fix: "Add texts, or leave rare labels out.",
    });
  }
  const groupSizes = groups.map((group) => group.length);
  const fewestTests = Math.floor(
    examples.length * Math.min(SMALLEST_TEST_SHARE, sizes.test / (sizes.train + sizes.test)),
  );
  const test = Math.min(sizes.test, Math.max(classes.length, fewestTests, examples.length - sizes.train));
  const testCounts = apportion(groupSizes, test);
  const trainCounts = apportion(groupSizes, Math.max(classes.length, Math.min(sizes.train, examples.length - test)));
  return {
    test: source.shuffle(groups.flatMap((group, label) => group.slice(0, testCounts[label]))),
    train: source.shuffle(
      groups.flatMap((group, label) => group.slice(testCounts[label], testCounts[label] + trainCounts[label])),
    ),
  };
}

function encodeAll(examples: readonly TokenizedExample[], vocabulary: Vocabulary, tokens: number): EncodedExamples {
  const ids = new Int32Array(examples.length * tokens);
  examples.forEach((example, row) => ids.set(encode(vocabulary, example.tokens, tokens), row * tokens));
  return { count: examples.length, tokens, ids, labels: Int32Array.from(examples, (example) => example.label) };
}

/**
 * Tokenizes, removes copies, splits and encodes a corpus; equal seeds give equal data sets.
 *
 * @throws DataError when the corpus has too few classes or texts.
 */
export function prepareDataset(corpus: Corpus, options: DatasetOptions): Dataset {
  const { classes, examples } = tokenizeCorpus(corpus, options);
  const parts = stratifiedSplit(examples, classes, random(options.seed), options);
  const vocabulary = buildVocabulary(
    parts.train.map((example) => example.tokens),
    options.vocabulary,
  );
  const counts = classes.map((_, label) => parts.test.filter((example) => example.label === label).length);
  return {
    name: corpus.name,
    classes,
    vocabulary,
    train: encodeAll(parts.train, vocabulary, options.tokens),
    test: encodeAll(parts.test, vocabulary, options.tokens),
    leftOut: corpus.examples.length - examples.length,
    majority: Math.max(...counts) / parts.test.length,
  };
}

/** Summary of a data set for a report. */
export interface DataSummary {
  readonly name: string;
  readonly classes: readonly string[];
  readonly train: number;
  readonly test: number;
  readonly vocabulary: number;
  readonly leftOut: number;
  readonly majority: number;
}

export function summarize({ name, classes, train, test, vocabulary, leftOut, majority }: Dataset): DataSummary {
  return { name, classes, train: train.count, test: test.count, vocabulary: vocabulary.size, leftOut, majority };
}

/** The token ids of some rows, concatenated. */
export function rowsOf({ tokens, ids }: Omit<EncodedExamples, "labels">, rows: readonly number[]): Int32Array {
  const chosen = new Int32Array(rows.length * tokens);
  rows.forEach((row, place) => chosen.set(ids.subarray(row * tokens, (row + 1) * tokens), place * tokens));
  return chosen;
}

/** Everything in a data set that a classifier's numbers depend on. */
export const contentOf = ({ classes, vocabulary, train, test }: Dataset): unknown => ({
  classes,
  vocabulary: vocabulary.size,
  train,
  test,
});

import { DataError } from "../../core/errors.js";
import type { Corpus } from "./corpus.js";
import { prepareDataset, summarize, type DataSummary } from "./dataset.js";
import { UNKNOWN } from "./vocabulary.js";
import { unknownShare, windowsOf, type Windows } from "./windows.js";

/** How texts become windows to predict words in. */
export interface WindowSettings {
  /** Texts to train and to test on, and the words of each that are read. */
  readonly texts: number;
  readonly testTexts: number;
  readonly length: number;
  /** Words of a window. */
  readonly tokens: number;
  /** At most so many windows. */
  readonly train: number;
  readonly test: number;
  readonly vocabulary: number;
}

export interface WindowData {
  readonly vocabulary: number;
  readonly train: Windows;
  readonly test: Windows;
  readonly summary: WindowSummary;
}

/** What a report says of its windows. */
export interface WindowSummary extends Pick<DataSummary, "name" | "vocabulary"> {
  readonly train: number;
  readonly test: number;
  /** Of the words to test on. */
  readonly unknownShare: number;
  /** Mean of -log p over the words to test on, p their share in training: what a model reaches that knows no context. In nats. */
  readonly frequencyLoss: number;
}

/** Cross-entropy of test ids from `from` on under their frequencies in training; every id counts once more than it occurs. */
export function frequencyLoss(train: Int32Array, test: Int32Array, vocabulary: number, from: number): number {
  const counts = new Float64Array(vocabulary - from).fill(1);
  for (const id of train) if (id >= from) counts[id - from]++;
  const total = counts.reduce((a, b) => a + b);
  const targets = test.filter((id) => id >= from);
  return targets.reduce((sum, id) => sum - Math.log(counts[id - from] / total), 0) / targets.length;
}

/**
 * Windows of a corpus, those to test on from other texts; the frequencies are those of known words, and of unknown ones too if these are `predicted`.
 *
 * @throws DataError where the texts are too short for a window.
 */
export function prepareWindows(corpus: Corpus, settings: WindowSettings, seed: number, { unknown }: { readonly unknown: "predicted" | "never" }): WindowData {
  const { texts, testTexts, length, tokens } = settings;
  const dataset = prepareDataset(corpus, { seed, tokens: length, train: texts, test: testTexts, vocabulary: settings.vocabulary });
  const [train, test] = [windowsOf(dataset.train, tokens, settings.train), windowsOf(dataset.test, tokens, settings.test)];
  if (train.count === 0 || test.count === 0) {
    throw new DataError({ where: "prepareWindows", argument: corpus.name, wanted: `texts with ${tokens} words in a row, half of them frequent`, got: "none", fix: tokens > length ? `Give --tokens of at most ${length}: so many words of a text are read.` : "Give longer texts or fewer --tokens." });
  }
  const { name, vocabulary } = summarize(dataset);
  const loss = frequencyLoss(train.ids, test.ids, vocabulary, unknown === "predicted" ? UNKNOWN : UNKNOWN + 1);
  return { vocabulary, train, test, summary: { name, vocabulary, train: train.count, test: test.count, unknownShare: unknownShare(test), frequencyLoss: loss } };
}

import { DataError } from "../../core/errors.js";
import type { Corpus } from "./corpus.js";
import { prepareDataset, summarize, type DataSummary } from "./dataset.js";
import { UNKNOWN } from "./vocabulary.js";
import { unknownShare, windowsOf, type Windows } from "./windows.js";

/** Settings of windows of texts, in which words are predicted. */
export interface WindowSettings {
  /** Texts to train on. */
  readonly texts: number;
  readonly testTexts: number;
  /** Words read of each text. */
  readonly length: number;
  /** Words of a window. */
  readonly tokens: number;
  /** Most windows to train on. */
  readonly train: number;
  /** Most windows to test on. */
  readonly test: number;
  readonly vocabulary: number;
}

export interface WindowData {
  readonly vocabulary: number;
  readonly train: Windows;
  readonly test: Windows;
  readonly summary: WindowSummary;
}

/** Summary of windows for a report. */
export interface WindowSummary extends Pick<DataSummary, "name" | "vocabulary"> {
  readonly train: number;
  readonly test: number;
  /** Share of unknown words among the test words. */
  readonly unknownShare: number;
  /** Loss of the unigram baseline: mean of -log p over the test words, p their share in training. In nats. */
  readonly frequencyLoss: number;
}

/** Cross-entropy of the test ids of at least `from` under their training frequencies, with one added to every count. */
export function frequencyLoss(train: Int32Array, test: Int32Array, vocabulary: number, from: number): number {
  const counts = new Float64Array(vocabulary - from).fill(1);
  for (const id of train) if (id >= from) counts[id - from]++;
  const total = counts.reduce((a, b) => a + b);
  const targets = test.filter((id) => id >= from);
  return targets.reduce((sum, id) => sum - Math.log(counts[id - from] / total), 0) / targets.length;
}

/**
 * Windows of a corpus, with training and test windows from different texts. The unigram baseline counts unknown words
 * only if they are `predicted`.
 *
 * @throws DataError if the texts are too short for a window.
 */
export function prepareWindows(
  corpus: Corpus,
  settings: WindowSettings,
  seed: number,
  { unknown }: { readonly unknown: "predicted" | "never" },
): WindowData {
  const { texts, testTexts, length, tokens } = settings;
  const dataset = prepareDataset(corpus, {
    seed,
    tokens: length,
    train: texts,
    test: testTexts,
    vocabulary: settings.vocabulary,
  });
  const [train, test] = [
    windowsOf(dataset.train, tokens, settings.train),
    windowsOf(dataset.test, tokens, settings.test),
  ];
  if (train.count === 0 || test.count === 0) {
    throw new DataError({
      where: "prepareWindows",
      argument: corpus.name,
      wanted: `texts with ${tokens} words in a row, half of them frequent`,
      got: "none",
      fix:
        tokens > length
          ? `Give --tokens of at most ${length}: only so many words of a text are read.`
          : "Give longer texts or fewer --tokens.",
    });
  }
  const { name, vocabulary } = summarize(dataset);
  const loss = frequencyLoss(train.ids, test.ids, vocabulary, unknown === "predicted" ? UNKNOWN : UNKNOWN + 1);
  return {
    vocabulary,
    train,
    test,
    summary: {
      name,
      vocabulary,
      train: train.count,
      test: test.count,
      unknownShare: unknownShare(test),
      frequencyLoss: loss,
    },
  };
}

import { random, type Random } from "../../core/random.js";
import type { Corpus } from "../corpus/corpus.js";
import { UNKNOWN } from "../corpus/vocabulary.js";
import { frequencyLoss, prepareWindows, type WindowSummary } from "../corpus/window-data.js";
import type { Windows } from "../corpus/windows.js";
import type { SymmetricOptions } from "./options.js";

/** The sequences of a seed. */
export interface Sequences {
  readonly vocabulary: number;
  readonly summary: WindowSummary;
  /** Draws those to train on: in the first epoch, in the second, ... */
  readonly train: () => () => Windows;
  readonly test: Windows;
  /** What decides them, apart from the options. */
  readonly depends: unknown;
}

/** Windows of texts, the same in every epoch. */
export function textSequences(corpus: Corpus, options: SymmetricOptions, seed: number): Sequences {
  const { train, test, vocabulary, summary } = prepareWindows(corpus, options, seed, { unknown: "never" });
  return { vocabulary, summary, train: () => () => train, test, depends: { train, test, vocabulary } };
}

/** Draws words by Zipf's law: the word of rank r has a probability proportional to 1/r. */
function zipf(words: number, source: Random): () => number {
  let sum = 0;
  const limits = Array.from({ length: words }, (_, rank) => (sum += 1 / (rank + 1)));
  return () => {
    const place = source.uniform() * sum;
    return UNKNOWN + 1 + limits.findIndex((limit) => place < limit);
  };
}

/** Sequences of independent words whose second half repeats the first; their words have no other regularity. */
function drawRepeats({ tokens, vocabulary }: SymmetricOptions, count: number, source: Random): Windows {
  const draw = zipf(vocabulary, source);
  const ids = new Int32Array(count * tokens);
  for (let start = 0; start < ids.length; start += tokens)
    for (let place = start; place < start + tokens / 2; place++) ids[place] = ids[place + tokens / 2] = draw();
  return { count, tokens, ids };
}

/** Sequences that repeat, new ones in every epoch. */
export function repeatSequences(options: SymmetricOptions, seed: number): Sequences {
  const source = random(seed);
  const test = drawRepeats(options, options.test, source);
  const state = source.state();
  const vocabulary = UNKNOWN + 1 + options.vocabulary;
  const train = (): (() => Windows) => {
    const own = random(seed);
    own.restore(state);
    return () => drawRepeats(options, options.train, own);
  };
  return {
    vocabulary,
    summary: {
      name: "sequences whose second half repeats the first",
      vocabulary,
      train: options.train,
      test: test.count,
      unknownShare: 0,
      frequencyLoss: frequencyLoss(train()().ids, test.ids, vocabulary, UNKNOWN + 1),
    },
    train,
    test,
    depends: { repeats: seed },
  };
}

import { describe, expect, it } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import type { Corpus } from "../../src/studies/corpus/corpus.js";
import { prepareDataset, stratifiedSplit } from "../../src/studies/corpus/dataset.js";
import { buildVocabulary, encode, PADDING, UNKNOWN } from "../../src/studies/corpus/vocabulary.js";

const letters = "abcdefghijklmnopqrstuvwxyz";
/** 120 different texts; every text holds a word of its own, twice; a quarter is of class "rare". */
const corpus: Corpus = {
  name: "made",
  examples: Array.from({ length: 120 }, (_, index) => {
    const own = `w${letters[index % 26]}${letters[Math.floor(index / 26)]}`;
    return { text: `common ${own} ${own}`, label: index % 4 === 0 ? "rare" : "usual" };
  }),
};
const options = { seed: 3, tokens: 4, train: 60, test: 40, vocabulary: 500 };

const rows = ({ ids, tokens, count }: { ids: Int32Array; tokens: number; count: number }): string[] =>
  Array.from({ length: count }, (_, row) => ids.subarray(row * tokens, (row + 1) * tokens).join(" "));

describe("prepareDataset", () => {
  it("repeats for one seed and changes with another", () => {
    const [first, second, other] = [options, options, { ...options, seed: 4 }].map((use) =>
      prepareDataset(corpus, use),
    );
    expect(second).toEqual(first);
    expect([...other.vocabulary.ids.keys()]).not.toEqual([...first.vocabulary.ids.keys()]);
  });

  it("gives every class the same share of both parts", () => {
    const { train, test, majority } = prepareDataset(corpus, options);
    expect([train.count, test.count, majority]).toEqual([60, 40, 0.75]);
    expect(train.labels.filter((label) => label === 0).length).toBe(15);
  });

  it("builds the vocabulary from the training part alone", () => {
    const { train, test, vocabulary } = prepareDataset(corpus, options);
    expect(vocabulary.size).toBe(2 + 1 + train.count); // "common" and each training text's own word
    const common = vocabulary.ids.get("common")!;
    expect(new Set(rows(test))).toEqual(new Set([`${common} ${UNKNOWN} ${UNKNOWN} ${PADDING}`]));
  });

  it("leaves out copies, which would be in both parts, and texts without words", () => {
    const doubled = { ...corpus, examples: [...corpus.examples, ...corpus.examples, { text: "!!", label: "rare" }] };
    const dataset = prepareDataset(doubled, options);
    expect(dataset.leftOut).toBe(121);
    expect(dataset).toEqual({ ...prepareDataset(corpus, options), leftOut: 121 });
  });

  it.each([
    // requested train, test; received of 120 texts
    [60, 40, 60, 40],
    [96, 100, 96, 24],
    [80, 400, 80, 40],
    [100, 100, 96, 24], // the test keeps a fifth,
    [1000, 1000, 96, 24],
    [200, 40, 100, 20], // or its share, if this is less
    [12, 1000, 12, 108],
  ])(
    "of %d texts to train on and %d to test on, gives the first where there are enough",
    (train, test, trained, tested) => {
      const dataset = prepareDataset(corpus, { ...options, train, test });
      expect([dataset.train.count, dataset.test.count]).toEqual([trained, tested]);
    },
  );
});

it("stratifiedSplit shares no example between its parts", () => {
  const examples = Array.from({ length: 50 }, (_, index) => ({ tokens: [String(index)], label: index % 3 }));
  const { train, test } = stratifiedSplit(examples, ["a", "b", "c"], random(1), { train: 30, test: 20 });
  expect(new Set([...train, ...test]).size).toBe(train.length + test.length);
});

it("refuses a corpus with one class, or with a class of too few texts", () => {
  const one = { name: "one", examples: corpus.examples.map(({ text }) => ({ text, label: "same" })) };
  expect(() => prepareDataset(one, options)).toThrow(DataError);
  const few = { name: "few", examples: [...corpus.examples, { text: "alone", label: "lonely" }] };
  expect(() => prepareDataset(few, options)).toThrow(/1 for class "lonely"/);
});

it("orders the vocabulary by frequency, then alphabet, and encodes to a fixed length", () => {
  const vocabulary = buildVocabulary(
    [
      ["b", "a", "b", "a", "c"],
      ["c", "c", "once"],
    ],
    10,
  );
  expect([...vocabulary.ids]).toEqual([
    ["c", 2],
    ["a", 3],
    ["b", 4],
  ]);
  expect([...encode(vocabulary, ["b", "once"], 3)]).toEqual([4, UNKNOWN, PADDING]);
  expect([...encode(vocabulary, ["a", "b", "c", "a"], 3)]).toEqual([3, 4, 2]);
});

it("takes bytes for tokens: UTF-8, cut at the length", () => {
  const bytes = {
    name: "bytes",
    examples: Array.from({ length: 12 }, (_, index) => ({
      text: `é${letters[index]}${letters[index]}!`,
      label: index % 2 ? "a" : "b",
    })),
  };
  const { train, vocabulary } = prepareDataset(bytes, {
    seed: 1,
    unit: "bytes",
    tokens: 3,
    train: 8,
    test: 4,
    vocabulary: 256,
  });
  expect(train.count).toBe(8);
  // é is the bytes C3 A9; only the first of two letters fits, so each letter occurs once
  expect([...vocabulary.ids.keys()].map((byte) => byte.charCodeAt(0))).toEqual([0xa9, 0xc3]);
  const [first, second] = ["\u00c3", "\u00a9"].map((byte) => vocabulary.ids.get(byte));
  for (const row of rows(train)) expect(row).toBe(`${first} ${second} ${UNKNOWN}`);
});

import { describe, expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { DataError } from "../../src/core/errors.js";
import { contaminate, drawContamination } from "../../src/studies/corpus/contaminate.js";
import type { Corpus } from "../../src/studies/corpus/corpus.js";
import { PADDING, UNKNOWN } from "../../src/studies/corpus/vocabulary.js";
import { unknownShare, windowsOf } from "../../src/studies/corpus/windows.js";
import { drawMasking, maskedCount, maskedPredictions } from "../../src/studies/training/masking.js";
import { nextWordPredictions } from "../../src/studies/training/next-word.js";
import { frequencyLoss, prepareWindows } from "../../src/studies/corpus/window-data.js";

const VOCABULARY = 50;
const MASK = VOCABULARY;
const source = random(3);
const [count, tokens] = [400, 20];
const ids = Int32Array.from({ length: count * tokens }, (_, at) =>
  at % 5 === 0 ? UNKNOWN : 2 + source.integer(VOCABULARY - 2),
);
const windows = { count, tokens, ids };

describe("windows", () => {
  it("are the full pieces of texts, without padding and mostly known", () => {
    const text = [2, 3, 4, 5, 6, PADDING, /**/ 2, 1, 1, 3, 4, 5, /**/ 1, 1, 1, 9, 8, 7];
    const found = windowsOf({ count: 3, tokens: 6, ids: Int32Array.from(text), labels: new Int32Array(3) }, 3);
    expect(Array.from(found.ids)).toEqual([2, 3, 4, /**/ 3, 4, 5, /**/ 9, 8, 7]);
    expect(found.count).toBe(3);
    expect(windowsOf({ count: 3, tokens: 6, ids: Int32Array.from(text), labels: new Int32Array(3) }, 3, 2).count).toBe(
      2,
    );
    expect(unknownShare({ count: 1, tokens: 4, ids: Int32Array.from([1, 2, 1, 3]) })).toBe(0.5);
  });

  it("refuse a corpus with too short texts", () => {
    const corpus: Corpus = {
      name: "short",
      examples: Array.from({ length: 20 }, (_, at) => ({
        text: `one ${"abcdefghijklmnopqrst"[at]}`,
        label: String(at % 2),
      })),
    };
    const settings = { texts: 8, testTexts: 8, length: 8, tokens: 4, train: 9, test: 9, vocabulary: 9 };
    expect(() => prepareWindows(corpus, settings, 1, { unknown: "never" })).toThrow(DataError);
  });

  it("have the loss of the unigram baseline", () => {
    // ids 2 and 3 occur 3 times and once; with one added to each count, 4/6 and 2/6
    expect(frequencyLoss(Int32Array.from([1, 2, 2, 2, 3]), Int32Array.from([2, 3, 1]), 4, 2)).toBeCloseTo(
      -(Math.log(4 / 6) + Math.log(2 / 6)) / 2,
      12,
    );
  });
});

describe("masking", () => {
  const masking = drawMasking(windows, VOCABULARY, random(7));

  it("predicts 15 % of every window, only known words, and changes nothing else", () => {
    const perWindow = maskedCount(tokens);
    expect(perWindow).toBe(3);
    const chosen = new Set(masking.places);
    expect(chosen.size).toBe(perWindow * count);
    masking.places.forEach((place, index) => {
      expect(Math.floor(place / tokens)).toBe(Math.floor(index / perWindow));
      expect(ids[place]).toBeGreaterThan(UNKNOWN);
    });
    masking.ids.forEach((id, place) => expect(chosen.has(place) || id === ids[place]).toBe(true));
  });

  it("masks eight of ten, swaps one and leaves one", () => {
    const shares = { mask: 0, same: 0 };
    for (const place of masking.places) {
      if (masking.ids[place] === MASK) shares.mask++;
      else if (masking.ids[place] === ids[place]) shares.same++;
    }
    const total = masking.places.length;
    // 1200 draws: standard deviations of 0.012 and 0.009
    expect(Math.abs(shares.mask / total - 0.8)).toBeLessThan(0.05);
    expect(Math.abs(shares.same / total - 0.1)).toBeLessThan(0.04);
    expect(Array.from(masking.ids).every((id) => id <= MASK && id !== PADDING)).toBe(true);
  });

  it(
    "has the original words of the chosen rows as targets, and a new masking in every epoch, the same for " +
      "the same seed",
    () => {
      const [one, other] = [
        maskedPredictions(() => windows, VOCABULARY, random(7)),
        maskedPredictions(() => windows, VOCABULARY, random(7)),
      ];
      const rows = [7, 2];
      const prediction = one.of(rows, 1);
      expect(prediction.inputs.shape).toEqual([2, tokens]);
      prediction.places.values.forEach((place, index) =>
        expect(prediction.targets.values[index]).toBe(
          ids[rows[Math.floor(place / tokens)] * tokens + (place % tokens)],
        ),
      );
      expect(other.of(rows, 1)).toEqual(prediction); // independent of earlier calls
      expect(one.of(rows, 0)).not.toEqual(prediction);
    },
  );
});

it("next words come from the clean windows, whatever the model reads", () => {
  const small = { count: 2, tokens: 3, ids: Int32Array.from([2, 3, 4, 5, 6, 7]) };
  const seen = { ...small, ids: Int32Array.from([9, 3, 9, 5, 9, 7]) };
  const { inputs, places, targets } = nextWordPredictions(small, seen).of([1, 0], 0);
  expect(Array.from(inputs.values)).toEqual([5, 9, 7, 9, 3, 9]);
  expect(Array.from(places.values)).toEqual([0, 1, 3, 4]);
  expect(Array.from(targets.values)).toEqual([6, 7, 3, 4]);
});

describe("contamination", () => {
  const padded = ids.map((id, at) => (at % tokens > 17 ? PADDING : id));
  const drawn = drawContamination(ids.length, VOCABULARY, random(9));
  const swapped = (share: number): number[] =>
    Array.from(contaminate(padded, drawn, share)).flatMap((id, at) => (id === padded[at] ? [] : [at]));

  it("swaps about the requested share for known words, and no padding", () => {
    expect(swapped(0)).toEqual([]);
    // in at most 1 of 48 cases the random word equals the old one; 7200 draws: standard deviation 0.005
    expect(Math.abs(swapped(0.3).length / (count * 18) - 0.3)).toBeLessThan(0.03);
    const all = contaminate(padded, drawn, 1);
    all.forEach((id, at) =>
      expect(padded[at] === PADDING ? id === PADDING : id > UNKNOWN && id < VOCABULARY).toBe(true),
    );
  });

  it("swaps all for the rarest word, which has the last id", () => {
    const rare = contaminate(padded, drawContamination(ids.length, VOCABULARY, random(9), "rare"), 1);
    rare.forEach((id, at) => expect(id).toBe(padded[at] === PADDING ? PADDING : VOCABULARY - 1));
  });

  it("keeps the swaps of a smaller share at a larger one", () => {
    const [small, large] = [new Set(swapped(0.1)), new Set(swapped(0.2))];
    expect(small.size).toBeGreaterThan(0);
    for (const at of small) expect(large.has(at)).toBe(true);
    const [first, second] = [contaminate(padded, drawn, 0.1), contaminate(padded, drawn, 0.2)];
    for (const at of small) expect(second[at]).toBe(first[at]);
  });
});

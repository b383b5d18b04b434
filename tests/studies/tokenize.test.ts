import { describe, expect, it } from "vitest";
import { tokenize, tokenizeEnglish } from "../../src/studies/corpus/tokenize.js";

const texts: readonly [language: string, text: string, tokens: readonly string[]][] = [
  ["English", "Don't pay $3.14 or 2,000", ["don't", "pay", "0", "0", "or", "0", "0"]],
  ["Hindi", "पानी हिन्दी में", ["पानी", "हिन्दी", "में"]],
  ["Hindi digits", "१२३ पानी", ["0", "पानी"]],
  ["Tamil", "தமிழ் மொழி", ["தமிழ்", "மொழி"]],
  ["pointed Hebrew", "שָׁלוֹם עוֹלָם", ["שָׁלוֹם".normalize(), "עוֹלָם".normalize()]],
  ["vocalised Arabic", "العَرَبِيَّة", ["العَرَبِيَّة".normalize()]],
  ["Persian, with its joiner", "می\u200cخواهم بروم", ["می\u200cخواهم", "بروم"]],
  ["decomposed accents", "E\u0301cole, \u00c9cole", ["\u00e9cole", "\u00e9cole"]],
  ["accents without a composed form", "q\u0303a q\u0303a", ["q\u0303a", "q\u0303a"]],
  ["Turkish", "İstanbul", ["i\u0307stanbul"]],
  ["Korean", "안녕하세요 세계", ["안녕하세요", "세계"]],
  ["Chinese", "我喜欢学习。", ["我", "喜欢", "学习"]],
  ["Japanese", "東京に住む", ["東京", "に", "住む"]],
  ["Thai", "ภาษาไทย", ["ภาษา", "ไทย"]],
  ["Lao", "ພາສາລາວ", ["ພາສາ", "ລາວ"]],
  ["two scripts", "中文English2024年", ["中文", "english", "0", "年"]],
  ["no words", "\u0301 \u200d … 🙂", []],
];

describe("tokenize", () => {
  it.each(texts)("finds the words of %s", (_, text, tokens) => {
    expect(tokenize(text)).toEqual(tokens);
  });

  it("counts letters, not their marks, against the longest word", () => {
    const word = "नी".repeat(30);
    expect(tokenize(`${word} ${word}न ${"x".repeat(31)} ${"1".repeat(31)}`)).toEqual([word]);
  });

  it("gives the first words alone, also of a run that would take a segmenter minutes", () => {
    expect(tokenize("中文分词".repeat(250_000), 3)).toEqual(["中文", "分", "词"]);
    expect(tokenize("中文分词".repeat(500))).toHaveLength(1500);
    expect(tokenize("one two three", 2)).toEqual(["one", "two"]);
  });
});

it("for English texts, takes runs of letters alone", () => {
  expect(tokenizeEnglish("Don't 42 e\u0301t 中文")).toEqual(["don't", "0", "e", "t", "中文"]);
  expect(tokenizeEnglish("one two three", 2)).toEqual(["one", "two"]);
});

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
  ["two scripts", "中文English2024年", ["中文", "english", "0", "年"]],
  ["no words", "\u0301 \u200d … 🙂", []],
];

describe("tokenize", () => {
  it.each(texts)("finds the words of %s", (_, text, tokens) => {
    expect(tokenize(text)).toEqual(tokens);
  });

  // the exact words depend on the dictionaries of the engine
  it.each([
    ["Chinese", "我喜欢学习"],
    ["Japanese", "東京に住む"],
    ["Thai", "ภาษาไทยง่าย"],
    ["Lao", "ພາສາລາວ"],
    ["Khmer", "ខ្ញុំស្រលាញ់ភាសាខ្មែរ"],
    ["Burmese", "မြန်မာနိုင်ငံသည်"],
  ])("parts a sentence of %s", (_, text) => {
    const tokens = tokenize(`${text}。`);
    expect(tokens.join("")).toBe(text.normalize());
    expect(tokens.length).toBeGreaterThan(1);
    for (const token of tokens) expect(token).not.toMatch(/^\p{M}/u);
  });

  it("counts letters, not their marks, against the longest word", () => {
    const word = "नी".repeat(30);
    expect(tokenize(`${word} ${word}न ${"x".repeat(31)} ${"1".repeat(31)}`)).toEqual([word]);
  });

  it("gives only the first words, even of a run that would take a segmenter minutes", () => {
    expect(tokenize("中文分词".repeat(250_000), 3)).toHaveLength(3);
    const long = "中文分词".repeat(500);
    const tokens = tokenize(long);
    expect(tokens.join("")).toBe(long);
    expect(tokens.length).toBeGreaterThan(500);
    expect(tokenize("one two three", 2)).toEqual(["one", "two"]);
  });
});

it("for English texts, takes runs of letters alone", () => {
  expect(tokenizeEnglish("Don't 42 e\u0301t 中文")).toEqual(["don't", "0", "e", "t", "中文"]);
  expect(tokenizeEnglish("one two three", 2)).toEqual(["one", "two"]);
});

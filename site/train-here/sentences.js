import { indices, random } from "attention-kernels";

const nouns = { film: ["film", "plot", "acting", "ending"], other: ["music", "weather", "coffee", "seat"] };
const adverbs = ["not", "very", "quite", "never", "rather", "hardly"];
const negations = ["not", "never", "hardly"];
const adjectives = { good: ["good", "great", "fine", "funny"], bad: ["bad", "dull", "poor", "weak"] };
const joints = ["and", "but", "while"];

/** All words; a word's id is its place. */
const words = [
  ...["the", "was"],
  ...[...nouns.film, ...nouns.other, ...adverbs, ...adjectives.good, ...adjectives.bad, ...joints],
];
const ids = new Map(words.map((word, id) => [word, id]));

/**
 * Generated sentences of eleven words, such as "the music was very dull but the film was not bad", half of them with
 * label 1: what is said of the film is good. Two clauses in either order, of which one is about something else, and
 * words that turn an adjective round: single words do not tell the label.
 */
export function sentences(count, seed) {
  const source = random(seed);
  const one = (list) => list[source.integer(list.length)];
  const labels = Int32Array.from(source.shuffle(Array.from({ length: count }, (_, index) => index % 2)));
  const clause = (noun, isGood) => {
    const adverb = one(adverbs);
    const turned = negations.includes(adverb) !== isGood;
    return ["the", one(nouns[noun]), "was", adverb, one(adjectives[turned ? "good" : "bad"])];
  };
  const texts = Array.from(labels, (label) => {
    const clauses = [clause("film", label === 1), clause("other", source.integer(2) === 1)];
    const [first, second] = source.integer(2) === 1 ? clauses : clauses.reverse();
    return [...first, one(joints), ...second];
  });
  return { labels, texts };
}

/** Sentences to train on and to test on, as `train` takes them. */
export function sentenceData({ seed, examples, tests }) {
  const part = (count, own) => {
    const { labels, texts } = sentences(count, own);
    const inputs = (_, rows) =>
      indices(
        rows.flatMap((row) => texts[row].map((word) => ids.get(word))),
        [rows.length, 11],
      );
    return { labels, inputs, texts };
  };
  const sizes = { tokens: 11, vocabulary: words.length };
  return { sizes, train: part(examples, 4 * seed), test: part(tests, 4 * seed + 1) };
}

/** Id of the padding token. */
export const PADDING = 0;
/** Id of every word outside the vocabulary. */
export const UNKNOWN = 1;

/** Words with ids; ids 0 and 1 are padding and unknown. */
export interface Vocabulary {
  /** Number of ids, padding and unknown included. */
  readonly size: number;
  readonly ids: ReadonlyMap<string, number>;
}

/** Least occurrences of a word: one seen once in training teaches nothing about a test text. */
const FEWEST_OCCURRENCES = 2;

/** The `limit` most frequent words that occur at least twice, most frequent first, ties in alphabetical order. */
export function buildVocabulary(texts: readonly (readonly string[])[], limit: number): Vocabulary {
  const counts = new Map<string, number>();
  for (const text of texts) {
    for (const word of text) {
      const known = counts.get(word);
      counts.set(word, known === undefined ? 1 : known + 1);
    }
  }
  const words = [...counts]
    .filter(([, count]) => count >= FEWEST_OCCURRENCES)
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([word]) => word);
  return { size: words.length + 2, ids: new Map(words.map((word, index) => [word, index + 2])) };
}

/** Exactly `tokens` ids; a longer text is cut, a shorter one padded at its end. */
export function encode(vocabulary: Vocabulary, words: readonly string[], tokens: number): Int32Array {
  const ids = new Int32Array(tokens).fill(PADDING);
  words.slice(0, tokens).forEach((word, position) => {
    ids[position] = vocabulary.ids.get(word) ?? UNKNOWN;
  });
  return ids;
}

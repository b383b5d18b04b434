/** Longer runs of letters come from encodings, not from words. */
const LONGEST_WORD = 30;
/** Token of every number, so that dates and prices do not fill the vocabulary. */
const NUMBER = "0";

/**
 * Letters with their marks (vowel signs, points, accents), joined by apostrophes or by the joiners of Persian and Indic
 * scripts; or the digits of a number.
 */
const WORDS = /\p{L}[\p{L}\p{M}]*(?:['’\u200c\u200d]\p{L}[\p{L}\p{M}]*)*|\p{N}+/gu;
/** As `WORDS`, without marks and joiners, which English lacks. */
const ENGLISH_WORDS = /\p{L}+(?:['’]\p{L}+)*|\p{N}+/gu;
/** Scripts that put no spaces between words. */
const unspaced = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"];
const UNSPACED = new RegExp(`[${unspaced.map((script) => `\\p{Script=${script}}`).join("")}]`, "u");

/** Parts of a run without spaces; a segmenter's time grows with the square of its input. */
const PARTS = /[^]{1,100}\p{M}*/gu;

const segmenter = new Intl.Segmenter("und", { granularity: "word" });

/** The words of a run of letters; in a script with spaces it is one word. */
function* split(run: string): Generator<string> {
  if (!UNSPACED.test(run)) {
    yield run;
    return;
  }
  for (const [part] of run.matchAll(PARTS)) {
    for (const { segment, isWordLike } of segmenter.segment(part)) if (isWordLike === true) yield segment;
  }
}

/** The first `limit` tokens of the runs that match `pattern`. */
function tokensOf(text: string, pattern: RegExp, limit: number, wordsOf: (run: string) => Iterable<string>): string[] {
  const tokens: string[] = [];
  for (const [run] of text.matchAll(pattern)) {
    for (const word of wordsOf(run)) {
      if (tokens.length >= limit) return tokens;
      if (word.replace(/\p{M}/gu, "").length <= LONGEST_WORD) tokens.push(/^\p{N}/u.test(word) ? NUMBER : word);
    }
  }
  return tokens;
}

/**
 * The first lower-case words of a text in order, in Unicode's composed form; every number becomes the token "0".
 *
 * Chinese, Japanese, Thai, Lao, Khmer and Burmese are split into words by the dictionaries of the JavaScript engine
 * (`Intl.Segmenter`).
 */
export function tokenize(text: string, limit = Infinity): string[] {
  return tokensOf(text.toLowerCase().normalize(), WORDS, limit, split);
}

/**
 * Lower-case runs of letters, and "0" for every number; for English texts, in which other scripts come from encodings.
 */
export function tokenizeEnglish(text: string, limit = Infinity): string[] {
  return tokensOf(text.toLowerCase(), ENGLISH_WORDS, limit, (run) => [run]);
}

/** The first `limit` bytes of a text in UTF-8, each as a string of one character. */
export function bytesOf(text: string, limit: number): string[] {
  return Array.from(Buffer.from(text).subarray(0, limit), (byte) => String.fromCharCode(byte));
}

/** Longer runs of letters are debris of an encoding, not words. */
const LONGEST_WORD = 30;
/** Stands for every number, so that dates and prices do not fill the vocabulary. */
const NUMBER = "0";

/** Lower-case words of a text, in order; every number becomes the token "0". */
export function tokenize(text: string): string[] {
  const found = text.toLowerCase().match(/\p{L}+(?:['’]\p{L}+)*|\p{N}+/gu) ?? [];
  return found.filter((token) => token.length <= LONGEST_WORD).map((token) => (/^\p{N}/u.test(token) ? NUMBER : token));
}

/** The first `limit` bytes of a text in UTF-8, each as a string of one character. */
export function bytesOf(text: string, limit: number): string[] {
  return Array.from(Buffer.from(text).subarray(0, limit), (byte) => String.fromCharCode(byte));
}

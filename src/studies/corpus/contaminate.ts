import type { Random } from "../../core/random.js";
import { PADDING, UNKNOWN } from "./vocabulary.js";

/** Random word swaps: for every token a threshold and a word. */
export interface Contamination {
  /** Uniform in [0, 1); the token is swapped at every share above its threshold. */
  readonly threshold: Float64Array;
  readonly words: Int32Array;
}

/**
 * Draws random known words for `count` tokens; `vocabulary` is the number of ids. A token swapped at one share is
 * swapped for the same word at every larger share.
 */
export function drawContamination(count: number, vocabulary: number, source: Random): Contamination {
  const threshold = Float64Array.from({ length: count }, () => source.uniform());
  const firstWord = UNKNOWN + 1;
  return {
    threshold,
    words: Int32Array.from({ length: count }, () => firstWord + source.integer(vocabulary - firstWord)),
  };
}

/** Swaps about this share of the ids for random words; padding stays. */
export const contaminate = (ids: Int32Array, { threshold, words }: Contamination, share: number): Int32Array =>
  ids.map((id, token) => (id !== PADDING && threshold[token] < share ? words[token] : id));

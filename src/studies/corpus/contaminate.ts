import type { Random } from "../../core/random.js";
import { PADDING, UNKNOWN } from "./vocabulary.js";

/** Word swaps: for every token a threshold and a word. */
export interface Contamination {
  /** Uniform in [0, 1); the token is swapped at every share above its threshold. */
  readonly threshold: Float64Array;
  readonly words: Int32Array;
}

/** What swapped tokens become: each a random known word, or all the rarest known word. */
export const attackNames = ["swap", "rare"] as const;
export type AttackName = (typeof attackNames)[number];

/**
 * Draws known words for `count` tokens; `vocabulary` is the number of ids. A token swapped at one share is swapped for
 * the same word at every larger share.
 */
export function drawContamination(
  count: number,
  vocabulary: number,
  source: Random,
  attack: AttackName = "swap",
): Contamination {
  const threshold = Float64Array.from({ length: count }, () => source.uniform());
  const firstWord = UNKNOWN + 1;
  return {
    threshold,
    // ids are in the order of frequency
    words: Int32Array.from({ length: count }, () =>
      attack === "rare" ? vocabulary - 1 : firstWord + source.integer(vocabulary - firstWord),
    ),
  };
}

/** Swaps about this share of the ids; padding stays. */
export const contaminate = (ids: Int32Array, { threshold, words }: Contamination, share: number): Int32Array =>
  ids.map((id, token) => (id !== PADDING && threshold[token] < share ? words[token] : id));

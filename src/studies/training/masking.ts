import { indices } from "../../core/indices.js";
import type { Random } from "../../core/random.js";
import { rowsOf } from "../corpus/dataset.js";
import { UNKNOWN } from "../corpus/vocabulary.js";
import type { Windows } from "../corpus/windows.js";
import type { Predictions } from "./predictions.js";

/** Share of a window's tokens that are predicted. */
const MASKED_SHARE = 0.15;
/** Shares of the predicted tokens that become the mask, and a random word; the rest stay unchanged. */
const [TO_MASK, TO_RANDOM] = [0.8, 0.1];

/**
 * Windows with some tokens changed, and the increasing places of the tokens to predict, equally many in every window.
 */
export interface Masking {
  readonly ids: Int32Array;
  readonly places: Int32Array;
}

/** Number of a window's tokens that are predicted. */
export const maskedCount = (tokens: number): number => Math.max(1, Math.round(MASKED_SHARE * tokens));

/**
 * Chooses about 15 % of the tokens of every window, at least one, among known words. Of ten chosen, eight become the
 * mask, one a random known word, one stays.
 *
 * `vocabulary` is the number of ids without the mask, and the id of the mask. Source: Devlin et al., arXiv 1810.04805.
 */
export function drawMasking({ count, tokens, ids: original }: Windows, vocabulary: number, source: Random): Masking {
  const ids = Int32Array.from(original);
  const perWindow = maskedCount(tokens);
  const places = new Int32Array(count * perWindow);
  const firstWord = UNKNOWN + 1;
  for (let window = 0; window < count; window++) {
    const known = Array.from({ length: tokens }, (_, token) => window * tokens + token).filter(
      (place) => original[place] >= firstWord,
    );
    const chosen = source
      .shuffle(known)
      .slice(0, perWindow)
      .sort((a, b) => a - b);
    places.set(chosen, window * perWindow);
    for (const place of chosen) {
      const fate = source.uniform();
      if (fate < TO_MASK) ids[place] = vocabulary;
      else if (fate < TO_MASK + TO_RANDOM) ids[place] = firstWord + source.integer(vocabulary - firstWord);
    }
  }
  return { ids, places };
}

/**
 * Predictions of masked tokens, with a new masking in every epoch, as in RoBERTa (arXiv 1907.11692). `draw` gives the
 * windows of the first epoch, then of the second, ..., equally many.
 */
export function maskedPredictions(draw: () => Windows, vocabulary: number, source: Random): Predictions {
  const next = (): { readonly windows: Windows; readonly masking: Masking } => {
    const windows = draw();
    return { windows, masking: drawMasking(windows, vocabulary, source) };
  };
  const epochs = [next()];
  const { count, tokens } = epochs[0].windows;
  const perWindow = maskedCount(tokens);
  return {
    count,
    of(rows, epoch) {
      while (epochs.length <= epoch) epochs.push(next());
      const { windows, masking } = epochs[epoch];
      const places = rows.flatMap((row) => Array.from(masking.places.subarray(row * perWindow, (row + 1) * perWindow)));
      return {
        inputs: indices(rowsOf({ count, tokens, ids: masking.ids }, rows), [rows.length, tokens]),
        places: indices(places.map((place, index) => Math.floor(index / perWindow) * tokens + (place % tokens))),
        targets: indices(places.map((place) => windows.ids[place])),
      };
    },
  };
}

import { indices } from "../../core/indices.js";
import { causal } from "../../kernels/mask.js";
import { rowsOf } from "../corpus/dataset.js";
import type { Windows } from "../corpus/windows.js";
import type { Predictions } from "./predictions.js";

/**
 * Predictions of every word of a window after the first from the words before it; the model reads the windows `seen`.
 */
export function nextWordPredictions(windows: Windows, seen: Windows = windows): Predictions {
  const { count, tokens } = windows;
  return {
    count,
    mask: causal(),
    of(rows) {
      const ids = rowsOf(windows, rows);
      const places = Array.from({ length: rows.length * tokens }, (_, place) => place).filter(
        (place) => (place + 1) % tokens !== 0,
      );
      return {
        inputs: indices(rowsOf(seen, rows), [rows.length, tokens]),
        places: indices(places),
        targets: indices(places.map((place) => ids[place + 1])),
      };
    },
  };
}

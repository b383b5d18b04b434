import { indices } from "../../core/indices.js";
import { causal } from "../../kernels/mask.js";
import { rowsOf } from "../corpus/dataset.js";
import type { Windows } from "../corpus/windows.js";
import type { Predictions } from "./predictions.js";

/** Predicts every word of a window but the first from those before it; `seen` are the windows as the model reads them. */
export function nextWordPredictions(windows: Windows, seen: Windows = windows): Predictions {
  const { count, tokens } = windows;
  return {
    count,
    mask: causal(),
    of(rows) {
      const ids = rowsOf(windows, rows);
      const places = Array.from({ length: rows.length * tokens }, (_, place) => place).filter((place) => (place + 1) % tokens !== 0);
      return { inputs: indices(rowsOf(seen, rows), [rows.length, tokens]), places: indices(places), targets: indices(places.map((place) => ids[place + 1])) };
    },
  };
}

import { indices } from "../../core/indices.js";
import type { Examples } from "../classifier.js";
import { batch, type EncodedExamples } from "./dataset.js";

/** Encoded texts as a classifier takes them. */
export function examplesOf(encoded: EncodedExamples): Examples {
  return {
    labels: encoded.labels,
    inputs: (rows) => {
      const { ids, count, tokens } = batch(encoded, rows, 0, rows.length);
      return indices(ids, [count, tokens]);
    },
  };
}

import { indices, random } from "../../src/index.js";
import type { Examples } from "../../src/studies/training/classifier.js";

/** Tokens of an example. */
export const TOKENS = 4;
const source = random(5);
const ids = Array.from({ length: 20 }, () => Array.from({ length: TOKENS }, () => source.integer(6)));

/** Twenty sequences of six tokens; the label says whether the first token is below the second. */
export const examples: Examples = {
  labels: Int32Array.from(ids, ([first, second]) => Number(first < second)),
  inputs: (rows) =>
    indices(
      rows.flatMap((row) => ids[row]),
      [rows.length, TOKENS],
    ),
};

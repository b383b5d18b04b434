import type { EncodedExamples } from "./dataset.js";
import { PADDING, UNKNOWN } from "./vocabulary.js";

/** Pieces of texts without padding: ids [count, tokens], row-major. */
export type Windows = Omit<EncodedExamples, "labels">;

/**
 * Cuts texts into pieces of `tokens` words and returns the first `limit`. Leaves out pieces with padding, or with more
 * unknown words than known ones.
 */
export function windowsOf({ ids, tokens: length, count }: EncodedExamples, tokens: number, limit = Infinity): Windows {
  const rows: Int32Array[] = [];
  for (let text = 0; text < count && rows.length < limit; text++) {
    for (let start = 0; start + tokens <= length && rows.length < limit; start += tokens) {
      const row = ids.subarray(text * length + start, text * length + start + tokens);
      const unknown = row.filter((id) => id === UNKNOWN).length;
      if (!row.includes(PADDING) && 2 * unknown <= tokens) rows.push(row);
    }
  }
  const all = new Int32Array(rows.length * tokens);
  rows.forEach((row, index) => all.set(row, index * tokens));
  return { count: rows.length, tokens, ids: all };
}

/** Share of unknown words. */
export const unknownShare = ({ ids }: Windows): number => ids.filter((id) => id === UNKNOWN).length / ids.length;

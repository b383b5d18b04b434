import type { Data } from "./train.js";

/** Data whose sequences are sentences. */
export interface SentenceData extends Data {
  readonly test: Data["test"] & { readonly texts: readonly (readonly string[])[] };
}

export function sentences(
  count: number,
  seed: number,
): { readonly labels: Int32Array; readonly texts: readonly (readonly string[])[] };

export function sentenceData(how: {
  readonly seed: number;
  readonly examples: number;
  readonly tests: number;
}): SentenceData;

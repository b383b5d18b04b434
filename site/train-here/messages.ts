import type { Record } from "./train.js";

/** A sequence whose attention is shown: its words, or the pixels of its picture, 0 to 255, row by row. */
export interface Shown {
  readonly label: number;
  readonly tokens: readonly string[];
  readonly picture?: { readonly size: number; readonly pixels: readonly number[] };
}

export type Message =
  | { readonly kind: "start"; readonly device: string; readonly shown: readonly Shown[] }
  | { readonly kind: "losses"; readonly losses: readonly number[] }
  | { readonly kind: "record"; readonly record: Record }
  | { readonly kind: "end" };

import type { Backend, Indices, Tensor } from "attention-kernels";
import type { Training } from "./settings.js";

/** Labelled sequences. */
export interface Examples {
  readonly labels: Int32Array;
  readonly inputs: (backend: Backend, rows: readonly number[]) => Indices | Tensor;
}

/** Sequences to train on and to test on, with their tokens and the number of ids or features. */
export interface Data {
  readonly sizes: { readonly tokens: number; readonly vocabulary: number };
  readonly train: Examples;
  readonly test: Examples;
}

/** What is measured at some steps. */
export interface Record {
  readonly step: number;
  /** Of the test. */
  readonly accuracy: number;
  readonly testLoss: number;
  /** Of every layer, [sequences, heads, n, n]; none for a kernel without a weight for every pair. */
  readonly maps: readonly Float32Array[];
  /** Those of the monitor so far. */
  readonly warnings: readonly string[];
}

export type Event = { readonly record: Record } | { readonly step: number; readonly loss: number };

export function train(
  task: Training,
  backend: Backend,
  data: Data,
  follow: (event: Event) => void | Promise<void>,
): Promise<void>;

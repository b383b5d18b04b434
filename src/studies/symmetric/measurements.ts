import type { WindowSummary } from "../corpus/window-data.js";
import type { EpochMeasure } from "../training/epochs.js";

/** One encoder trained with one kernel from one seed. */
export interface SymmetricRun {
  readonly kernel: string;
  readonly seed: number;
  /** Numbers that train, and those of them in the attention of all layers. */
  readonly parameters: number;
  readonly attentionParameters: number;
  readonly epochs: readonly EpochMeasure[];
  /** Cross-entropy of single batches, each before its step. */
  readonly losses: readonly number[];
}

export interface SymmetricMeasurements {
  /** The texts of every seed. */
  readonly data: readonly WindowSummary[];
  readonly runs: readonly SymmetricRun[];
}

import type { DataSummary } from "../corpus/dataset.js";
import type { WindowSummary } from "../corpus/window-data.js";
import type { EpochMeasure } from "../training/epochs.js";

export type Experiment = "text" | "language";

/** Tests of one trained model under contamination. */
export interface ContaminatedTest {
  /** Of the tokens that were swapped. */
  readonly share: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Of the classification. */
  readonly accuracy?: number;
}

/** What a layer of a trained model makes of clean test texts. */
export interface LayerMeasure {
  /** Mean cosine of two tokens of a text, after the layer. */
  readonly tokenCosine: number;
  /** Mean Euclidean distance of the attention maps of two heads. */
  readonly headDistance: number;
}

/** One encoder trained with one kernel from one seed. */
export interface EllipticalRun {
  readonly experiment: Experiment;
  readonly kernel: string;
  readonly seed: number;
  readonly epochs: readonly EpochMeasure[];
  readonly tests: readonly ContaminatedTest[];
  readonly layers: readonly LayerMeasure[];
}

/** A run, and the texts of its seed. */
export interface EllipticalResult {
  readonly texts: DataSummary;
  readonly windows: WindowSummary;
  readonly run: EllipticalRun;
}

export interface EllipticalMeasurements {
  /** The texts of every seed. */
  readonly texts: readonly DataSummary[];
  readonly windows: readonly WindowSummary[];
  readonly runs: readonly EllipticalRun[];
}

import type { TrainingRecord } from "../../analysis/monitor/records.js";
import type { DataSummary } from "../corpus/dataset.js";
import type { WindowSummary } from "../corpus/window-data.js";
import type { EpochMeasure } from "../training/epochs.js";

export type Experiment = "text" | "language";

/** Tests of one trained model under contamination. */
export interface ContaminatedTest {
  /** Share of swapped tokens. */
  readonly share: number;
  /** Mean cross-entropy, in nats. Words to predict are clean. */
  readonly loss: number;
  /** Mean cross-entropy of next words that are contaminated as well, in nats. */
  readonly contaminatedLoss?: number;
  /** Accuracy of the classification. */
  readonly accuracy?: number;
}

/** Measurements of one layer of a trained model on clean test texts. */
export interface LayerMeasure {
  /** Mean cosine of two tokens of a text, after the layer. */
  readonly tokenCosine: number;
  /** The same of the outputs of attention, before they are added to the tokens. */
  readonly outputCosine: number;
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
  /** What the monitor saw. Earlier versions stored none. */
  readonly watched?: readonly TrainingRecord[];
}

/** A run, and summaries of its seed's texts. */
export interface EllipticalResult {
  readonly texts: DataSummary;
  readonly windows: WindowSummary;
  readonly run: EllipticalRun;
}

export interface EllipticalMeasurements {
  /** Summaries of the texts, for every seed. */
  readonly texts: readonly DataSummary[];
  readonly windows: readonly WindowSummary[];
  readonly runs: readonly EllipticalRun[];
}

import type { TrainingRecord } from "../../analysis/monitor/records.js";
import type { DataSummary } from "../corpus/dataset.js";
import type { WindowSummary } from "../corpus/window-data.js";
import type { EpochMeasure } from "../training/epochs.js";

export type Experiment = "text" | "language" | "images";

/** Tests of one trained model under contamination. */
export interface ContaminatedTest {
  /**
   * Share of swapped tokens. Of pictures: the share of black patches, and the standard deviation of the noise, where
   * black is 0 and white is 1.
   */
  readonly share: number;
  /** Mean cross-entropy, in nats. Words to predict are clean. */
  readonly loss: number;
  /** Mean cross-entropy of next words that are contaminated as well, in nats. */
  readonly contaminatedLoss?: number;
  /** Accuracy of the classification; of pictures with noise. */
  readonly accuracy?: number;
  /** Accuracy on pictures with black patches. */
  readonly occludedAccuracy?: number;
}

/** The pictures of a seed. */
export interface ImageSummary {
  readonly name: string;
  /** Pixels of a side. */
  readonly side: number;
  readonly train: number;
  readonly test: number;
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

/** A run, and summaries of its seed's texts or pictures. */
export interface EllipticalResult {
  readonly texts?: DataSummary;
  readonly windows?: WindowSummary;
  readonly images?: ImageSummary;
  readonly run: EllipticalRun;
}

export interface EllipticalMeasurements {
  /** Summaries of the texts, for every seed. */
  readonly texts: readonly DataSummary[];
  readonly windows: readonly WindowSummary[];
  /** Summaries of the pictures, where these take the place of texts. */
  readonly images: readonly ImageSummary[];
  readonly runs: readonly EllipticalRun[];
}

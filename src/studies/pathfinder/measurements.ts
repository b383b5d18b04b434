import type { EpochResult } from "../classifier.js";
import type { Landscape } from "./landscapes.js";

/** One encoder trained with one kernel from one seed. */
export interface PathfinderRun {
  readonly kernel: string;
  readonly seed: number;
  readonly epochs: readonly EpochResult[];
  /** Cross-entropy of single batches, each before its step. */
  readonly losses: readonly number[];
}

export interface PathfinderMeasurements {
  /** Test accuracy of the best threshold on the distance between the dots, for every seed: what needs no path. */
  readonly distanceAccuracy: readonly number[];
  readonly runs: readonly PathfinderRun[];
  readonly landscapes: readonly Landscape[];
}

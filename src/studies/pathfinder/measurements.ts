import type { ClassifierRun } from "../comparison/runs.js";
import type { Landscape } from "./landscapes.js";

export interface PathfinderMeasurements {
  /** Test accuracy of the best threshold on the distance between the dots, for every seed: what needs no path. */
  readonly distanceAccuracy: readonly number[];
  readonly runs: readonly ClassifierRun[];
  readonly landscapes: readonly Landscape[];
}

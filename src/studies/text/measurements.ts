import type { ClassifierRun } from "../comparison/runs.js";
import type { DataSummary } from "../corpus/dataset.js";

export interface TextMeasurements {
  /** The split of every seed. */
  readonly data: readonly DataSummary[];
  readonly runs: readonly ClassifierRun[];
}

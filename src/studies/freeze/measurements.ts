import type { DataSummary } from "../corpus/dataset.js";
import type { RelevanceResult } from "../relevance/measure.js";

type Measures = Omit<RelevanceResult, "file" | "family" | "hasLabels" | "by">;

/** A trained encoder with its heads frozen. */
export interface FrozenRun extends Measures {
  readonly seed: number;
}

/** All encoders, one a seed. */
export interface FreezeMeasurements {
  readonly data: readonly DataSummary[];
  readonly runs: readonly FrozenRun[];
}

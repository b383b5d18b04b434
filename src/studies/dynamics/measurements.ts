import type { StartShare } from "./starts.js";
import type { Trial } from "./trial.js";

export interface DynamicsMeasurements {
  readonly trials: readonly Trial[];
  readonly starts: readonly StartShare[];
}

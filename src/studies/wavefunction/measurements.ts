import type { Statistics } from "../../physics/statistics.js";
import type { AttentionName } from "./configuration.js";

/** An energy to compare with, per site. */
export interface Reference {
  readonly energy: number;
  /** Where it comes from. */
  readonly source: string;
}

/** ρ of every layer after so many steps. */
export interface Dependence {
  readonly step: number;
  readonly layers: readonly number[];
}

/** One optimisation. */
export interface WavefunctionRun {
  readonly attention: AttentionName;
  readonly seed: number;
  readonly parameters: number;
  /** Energy per site and its error bar, as sampled before each step. */
  readonly energies: readonly number[];
  readonly errors: readonly number[];
  /** Of the whole energy. */
  readonly variances: readonly number[];
  readonly dependence: readonly Dependence[];
  /** Mean attention weights of each layer after the last step, averaged over heads, [patches, patches]. */
  readonly maps: readonly (readonly number[])[];
  /** After the last step: per site but for the variance. */
  readonly last: Statistics;
  /** Per site, by enumeration of the sector; absent where it is too large. */
  readonly enumerated?: number;
  /** Per site; absent until there are enough steps. */
  readonly zeroVariance?: number;
  /** Steps whose system needed a shift above the configured one to be positive definite in the backend's arithmetic. */
  readonly raisedShifts: number;
  /** Median of the steps, in which compilation of shaders does not show. */
  readonly secondsPerStep: number;
  readonly seconds: number;
  readonly finished: boolean;
}

export interface WavefunctionMeasurements {
  readonly reference?: Reference;
  readonly runs: readonly WavefunctionRun[];
}

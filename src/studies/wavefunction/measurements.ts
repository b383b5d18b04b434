import type { Statistics } from "../../physics/statistics.js";
import type { AttentionName } from "./options.js";

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

/** What is measured along an optimisation. */
export interface Curves {
  /** Energy per site and its error bar, as measured before each step. */
  readonly energies: number[];
  readonly errors: number[];
  /** Of the whole energy. */
  readonly variances: number[];
  /** What each step took. */
  readonly seconds: number[];
  readonly dependence: Dependence[];
  /** Steps whose system needed a shift above the configured one to be positive definite in the backend's arithmetic. */
  raisedShifts: number;
}

/** One optimisation. */
export interface WavefunctionRun extends Readonly<Curves> {
  readonly attention: AttentionName;
  readonly seed: number;
  readonly extents: readonly number[];
  readonly parameters: number;
  /** Mean attention weights of each layer as they were looked at last, averaged over heads, [patches, patches]. */
  readonly maps: readonly (readonly number[])[];
  /** After the last step, or of a stopped optimisation before it: per site but for the variance. */
  readonly last: Statistics;
  /** Per site; absent until there are enough steps. */
  readonly zeroVariance?: number;
  readonly finished: boolean;
}

/** An optimisation, and the energy that is known of the study's lattice. */
export interface WavefunctionResult {
  /** Compared on the study's lattice, or one of the chains of growing length. */
  readonly part: "runs" | "lengths";
  readonly reference?: Reference;
  readonly run: WavefunctionRun;
}

export interface WavefunctionMeasurements {
  readonly reference?: Reference;
  readonly runs: readonly WavefunctionRun[];
  /** Softmax attention on chains of growing length. */
  readonly lengths: readonly WavefunctionRun[];
}

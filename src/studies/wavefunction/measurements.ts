import type { Statistics } from "../../physics/statistics.js";
import type { AttentionName } from "./setting.js";

/** An energy to compare with, per site. */
export interface Reference {
  readonly energy: number;
  /** Source of the energy. */
  readonly source: string;
}

/** Input dependence ρ of every layer after `step` steps. */
export interface Dependence {
  readonly step: number;
  readonly layers: readonly number[];
}

/** What is measured along an optimisation. */
export interface Curves {
  /** Energy per site before each step. */
  readonly energies: number[];
  /** Error bars of `energies`. */
  readonly errors: number[];
  /** Variances of the total energy. */
  readonly variances: number[];
  /** Time of each step. */
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
  /** Mean attention weights of each layer at the last measurement, averaged over heads, [patches, patches]. */
  readonly maps: readonly (readonly number[])[];
  /** Energy after the last step, or before it if the optimisation was stopped. Per site, except for the variance. */
  readonly last: Statistics;
  /** Energy of the last parameters with ψ projected on all symmetries, if no step projects on the point group. */
  readonly projected?: Statistics;
  /** Energy per site extrapolated to zero variance; absent before the last step, and if all variances are equal. */
  readonly zeroVariance?: number;
  readonly finished: boolean;
}

/** An optimisation, and the reference energy of the study's lattice. */
export interface WavefunctionResult {
  /** Whether it ran on the study's lattice or on one of the chains of growing length. */
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

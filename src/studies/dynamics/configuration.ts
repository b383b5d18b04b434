import type { WeightName } from "../../theory/problem.js";

/** Gradient descent on a single layer with random data. */
export interface DynamicsConfiguration {
  /** Names of the registry; kernels that need further inputs are refused. */
  readonly kernels: readonly string[];
  readonly subsets: readonly (readonly WeightName[])[];
  /** Random problems, the same for every kernel and subset. */
  readonly seeds: number;
  readonly samples: number;
  readonly tokens: number;
  /** D = d_k = d_v. */
  readonly width: number;
  /** d_o */
  readonly outputWidth: number;
  readonly heads: number;
  readonly steps: number;
  /** Share of the initial loss at which a run counts as converged. */
  readonly tolerance: number;
  /** Standard deviations of the weights, times 1/√(rows of the matrix). */
  readonly scales: Readonly<Record<WeightName, number>>;
}

/** Two samples of three tokens, two heads of width 8: every subset trains 128 numbers or more for 12 outputs. Minutes on two cores. */
export const quickDynamics: DynamicsConfiguration = {
  kernels: ["softmax", "gaussian", "gaussianNormalized"],
  subsets: [["query"], ["key"], ["value"], ["query", "key"], ["query", "value"], ["key", "value"], ["query", "key", "value"]],
  seeds: 6,
  samples: 2,
  tokens: 3,
  width: 8,
  outputWidth: 2,
  heads: 2,
  steps: 4000,
  tolerance: 1e-4,
  scales: { query: 1, key: 1, value: 3, output: 1 },
};

import type { WeightName } from "../../theory/problem.js";
import { HEADS, MANY_SEEDS, SHARE, STEPS, WIDTH } from "../limits.js";
import { list, oneOf, optional, real, record, text, whole, type Fields } from "../runner/schema.js";

/**
 * Random problems with standard normal inputs.
 *
 * `unitTargets`: normal targets, scaled to ‖Y‖ = 1. `equalValues`: normal targets; the tokens of a sample share the first half of their
 * columns, and W^V reads these alone, so that all value rows of a sample are equal. `unitResidual`: the targets lie at distance 1 from the
 * kernel's own outputs, so that ‖r_0‖ = 1; alone among the families, its targets are another for every kernel.
 */
export type Family = "unitTargets" | "equalValues" | "unitResidual";

/** Standard deviations of the weights, times 1/√(rows of the matrix). */
export type Scales = Readonly<Record<WeightName, number>>;

/** Every kernel × subset × scales × seed, on problems of one family. */
export interface Experiment {
  readonly family: Family;
  /** Names of the registry; kernels that need further inputs are refused. */
  readonly kernels: readonly string[];
  readonly subsets: readonly (readonly WeightName[])[];
  readonly scales: readonly Scales[];
  readonly heads: number;
  /** Random problems, the same for every kernel and subset. */
  readonly seeds: number;
  readonly steps: number;
  /** Share of the initial loss at which a run counts as converged. */
  readonly tolerance: number;
  /** The kernel whose Jacobian sets the step size of all; where absent, every kernel has its own. */
  readonly stepOf?: string;
}

export type ExperimentName = "matrices" | "equalValues" | "valueScale";

/** Gradient descent on a single layer with random data. */
export interface DynamicsConfiguration {
  readonly samples: number;
  readonly tokens: number;
  /** D = d_k = d_v. */
  readonly width: number;
  /** d_o */
  readonly outputWidth: number;
  readonly experiments: Readonly<Record<ExperimentName, Experiment>>;
}

const scale = real(-1000, 1000);
const scales = record({ query: scale, key: scale, value: scale, output: scale } satisfies Fields<Scales>);

export const experimentFields = {
  family: oneOf(["unitTargets", "equalValues", "unitResidual"]),
  kernels: list(text, 1, 64),
  subsets: list(list(oneOf(["query", "key", "value", "output"]), 1, 4), 1, 15),
  scales: list(scales, 1, 64),
  heads: HEADS,
  seeds: MANY_SEEDS,
  steps: STEPS,
  tolerance: SHARE,
  stepOf: optional(text),
} as const satisfies Fields<Experiment>;

const experiment = record(experimentFields);

export const dynamicsFields = {
  samples: whole(1, 1024),
  tokens: whole(1, 1024),
  width: WIDTH,
  outputWidth: WIDTH,
  experiments: record({ matrices: experiment, equalValues: experiment, valueScale: experiment } satisfies Fields<Record<ExperimentName, Experiment>>),
} as const satisfies Fields<DynamicsConfiguration>;

const OWN_WIDTH = 8;
/** W^O has entries of standard deviation 1. */
const output = Math.sqrt(OWN_WIDTH);
const kernels = ["softmax", "gaussian", "gaussianNormalized"];
const query = [["query"]] as const;

/** Two samples of three tokens of width 8 with one output each: every subset trains 128 numbers or more for 6 outputs. Minutes on two cores. */
export const quickDynamics: DynamicsConfiguration = {
  samples: 2,
  tokens: 3,
  width: OWN_WIDTH,
  outputWidth: 1,
  experiments: {
    matrices: {
      family: "unitTargets",
      kernels,
      subsets: [["query"], ["key"], ["value"], ["query", "key"], ["query", "value"], ["key", "value"], ["query", "key", "value"]],
      scales: [{ query: 0.5, key: 0.5, value: 3, output }],
      heads: 2,
      seeds: 12,
      // W^V alone must converge, and takes tens of thousands of steps
      steps: 20_000,
      tolerance: 1e-6,
    },
    equalValues: {
      family: "equalValues",
      kernels,
      subsets: query,
      scales: [{ query: 0.5, key: 0.5, value: 1, output }],
      heads: 4,
      seeds: 12,
      steps: 4000,
      tolerance: 1e-6,
      stepOf: "gaussian", // softmax has a Jacobian of zeros
    },
    valueScale: {
      family: "unitResidual",
      kernels: ["softmax", "gaussian"],
      subsets: query,
      scales: [[0.3, 0.5], [1, 0.5], [3, 0.5], [10, 0.5], [1, 1.5]].map(([value, other]) => ({ query: other, key: other, value, output })),
      heads: 2,
      seeds: 6,
      steps: 4000,
      tolerance: 1e-8,
    },
  },
};

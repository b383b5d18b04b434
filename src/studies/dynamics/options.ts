import type { WeightName } from "../../theory/problem.js";
import { HEADS, scalesSchema, STEPS, WIDTH, type Scales } from "../options.js";
import { kernelNames, oneOf, setting, whole, wholes, real, type Values } from "../runner/options.js";
import { list, oneOf as among, optional, text } from "../runner/schema.js";

const families = ["unitTargets", "equalValues", "unitResidual"] as const;

/**
 * Random problems with standard normal inputs.
 *
 * `unitTargets`: normal targets, scaled to ‖Y‖ = 1. `equalValues`: normal targets; the tokens of a sample share the
 * first half of their columns, and W^V reads only these, so that all value rows of a sample are equal. `unitResidual`:
 * targets at distance 1 from the kernel's own outputs, so that the residual has norm ‖r_0‖ = 1; only in this family
 * the targets depend on the kernel.
 */
export type Family = (typeof families)[number];

/** An experiment: every kernel × subset × scales × seed, on problems of one family. */
interface Defaults {
  readonly family: Family;
  readonly kernels: readonly string[];
  readonly subsets: readonly (readonly WeightName[])[];
  readonly scales: readonly Scales[];
  readonly heads: number;
  readonly seeds: number;
  readonly steps: number;
  readonly tolerance: number;
  readonly stepOf?: string;
}

const weightNames = ["query", "key", "value", "output"] as const;

const experiment = ({ family, kernels, subsets, scales, heads, seeds, steps, tolerance, stepOf }: Defaults) => ({
  family: oneOf(family, families),
  /** Kernels of the registry without further inputs. */
  kernels: kernelNames(kernels, "kernel names, separated by commas"),
  subsets: setting(subsets, list(list(among(weightNames), 1, 4), 1, 15)),
  scales: setting(scales, list(scalesSchema, 1, 64)),
  heads: whole(heads, HEADS),
  /** The same problems for every kernel and subset. */
  seeds: whole(seeds, { least: 1, most: 10_000, help: "random problems for every kernel and subset" }),
  steps: whole(steps, { ...STEPS, help: "most steps of gradient descent" }),
  /** Share of the initial loss at which a run counts as converged. */
  tolerance: real(tolerance, { least: 0, most: 1 }),
  /** The kernel whose Jacobian sets the step size of all kernels. Default: each kernel's own. */
  stepOf: setting(stepOf, optional(text)),
});

const OWN_WIDTH = 8;
/** Scale of W^O that gives its entries standard deviation 1. */
const output = Math.sqrt(OWN_WIDTH);
const kernels = ["softmax", "gaussian", "gaussianNormalized"];
const query = [["query"]] as const;

/**
 * Two samples of three tokens of width 8 with one output each: every subset trains 128 numbers or more for 6 outputs.
 * Minutes on two cores.
 */
export const dynamicsOptions = {
  samples: whole(2, { least: 1, most: 1024 }),
  tokens: whole(3, { least: 1, most: 1024 }),
  /** Widths D = d_k = d_v of tokens, keys and values. */
  width: whole(OWN_WIDTH, WIDTH),
  /** Output width d_o. */
  outputWidth: whole(1, WIDTH),
  /** Heads of the random starts that are judged for W^Q alone, without training. */
  startHeads: wholes([4, 16, 64, 128], { least: 2, most: 4096, count: 16, help: "numbers of heads of random starts" }),
  startDraws: whole(20, { least: 1, most: 10_000, help: "random starts for every number of heads" }),
  experiments: {
    matrices: experiment({
      family: "unitTargets",
      kernels,
      subsets: [
        ["query"],
        ["key"],
        ["value"],
        ["query", "key"],
        ["query", "value"],
        ["key", "value"],
        ["query", "key", "value"],
      ],
      scales: [{ query: 0.5, key: 0.5, value: 3, output }],
      heads: 2,
      seeds: 12,
      // W^V alone must converge, which takes tens of thousands of steps
      steps: 20_000,
      tolerance: 1e-6,
    }),
    equalValues: experiment({
      family: "equalValues",
      kernels,
      subsets: query,
      scales: [{ query: 0.5, key: 0.5, value: 1, output }],
      heads: 4,
      seeds: 12,
      steps: 4000,
      tolerance: 1e-6,
      stepOf: "gaussian", // softmax has a Jacobian of zeros
    }),
    valueScale: experiment({
      family: "unitResidual",
      kernels: ["softmax", "gaussian"],
      subsets: query,
      scales: [
        [0.3, 0.5],
        [1, 0.5],
        [3, 0.5],
        [10, 0.5],
        [1, 1.5],
      ].map(([value, other]) => ({ query: other, key: other, value, output })),
      heads: 2,
      seeds: 6,
      steps: 4000,
      tolerance: 1e-8,
    }),
  },
};

export type DynamicsOptions = Values<typeof dynamicsOptions>;
export type ExperimentName = keyof DynamicsOptions["experiments"];
export type Experiment = DynamicsOptions["experiments"][ExperimentName];

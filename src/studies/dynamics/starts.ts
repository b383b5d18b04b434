import type { Proportion } from "../../numerics/proportion.js";
import { pathProbability } from "../../theory/path-probability.js";
import { plainKernel } from "../kernels.js";
import type { DynamicsOptions } from "./options.js";
import { randomProblem } from "./problem.js";

/** How often random starts are certified, by the number of heads. */
export interface StartShare {
  readonly kernel: string;
  readonly heads: number;
  /** Starts from which success is proved, of all draws. */
  readonly proved: Proportion;
}

/** Kernels with proved constants, which the paper compares. */
export const startKernels = ["softmax", "gaussian"] as const;

/** Scales of the starts, and of the problems' own weights, of which only the shapes matter. */
const scales = { query: 0.5, key: 0.5, value: 3, output: 1 };

/**
 * The share of mirrored random starts from which training W^Q alone is proved to succeed, on the inputs and targets of
 * `seed`. Draws have seeds from `seed` on.
 */
export async function startShare(
  options: DynamicsOptions,
  { kernel, heads, seed }: { readonly kernel: string; readonly heads: number; readonly seed: number },
): Promise<StartShare> {
  const own = plainKernel(kernel);
  const problem = randomProblem(options, { family: "unitTargets", heads: 1, scales, seed }, own);
  const { rigorous } = await pathProbability(
    problem,
    { heads, mirrored: true, scales },
    { kernel: own, trainable: ["query"], steps: 0, seed, draws: options.startDraws },
  );
  return { kernel, heads, proved: rigorous };
}

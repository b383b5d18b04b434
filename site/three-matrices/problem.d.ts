import type { TiledKernel, WeightName } from "attention-kernels";
import type { DescentProblem } from "attention-kernels/theory";
import type { Problem } from "./settings.js";

/** What makes a problem. */
export type ProblemSettings = Pick<Problem, "seed" | "heads" | "queryKeyScale" | "valueScale" | "equalValues">;

export function problemOf(settings: ProblemSettings): DescentProblem;

export function stepSizeOf(
  problem: DescentProblem,
  how: { readonly kernel: TiledKernel; readonly trainable: readonly WeightName[]; readonly stepShare: number },
): number;

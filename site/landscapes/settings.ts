import { flag, oneOf, real, someOf, whole, type Setting } from "../kit/settings.js";
import type { ProblemSettings } from "../three-matrices/problem.js";
import { kernelNames, matrixNames, type KernelName, type MatrixName } from "../three-matrices/settings.js";

export const planes = ["ends", "path", "random"] as const;
export const stepCounts = ["200", "1000", "4000"] as const;
export const gridSizes = ["21", "31", "51"] as const;

/** Kernels to set beside softmax. */
export const others = kernelNames.filter((name) => name !== "softmax");

export const schema = {
  train: someOf<MatrixName>(["query"], matrixNames),
  kernel: oneOf<KernelName>("gaussian", others),
  seed: whole(1, 0, 1e6),
  heads: whole(4, 1, 8),
  qk: real(0.5, 0.05, 5),
  v: real(1, 0.1, 30),
  equal: flag(true),
  share: real(0.5, 0.05, 4),
  steps: oneOf<(typeof stepCounts)[number]>("1000", stepCounts),
  plane: oneOf<(typeof planes)[number]>("ends", planes),
  around: oneOf<"start" | "end">("start", ["start", "end"]),
  draw: whole(1, 0, 1e6),
  reach: real(1, 0.1, 10),
  points: oneOf<(typeof gridSizes)[number]>("31", gridSizes),
  scale: oneOf<"log" | "linear">("log", ["log", "linear"]),
  turn: whole(40, 0, 359),
  tilt: whole(30, 5, 90),
};
export type Settings = {
  -readonly [Name in keyof typeof schema]: (typeof schema)[Name] extends Setting<infer Value> ? Value : never;
};

/** What a worker computes. */
export interface Task extends ProblemSettings {
  readonly kernels: readonly KernelName[];
  readonly trainable: readonly MatrixName[];
  readonly stepShare: number;
  readonly steps: number;
  readonly plane: Settings["plane"];
  /** The middle of a plane of random directions. */
  readonly around: Settings["around"];
  /** The seed of random directions. */
  readonly draw: number;
  /** Half of the window of random directions in their lengths; of other planes, times the room that the ways need. */
  readonly reach: number;
  /** Points of a side of the grid. */
  readonly points: number;
}

/**
 * The task of a page.
 *
 * @param settings those of the page; how the surface is turned is no part of it
 */
export const taskOf = (settings: Settings): Task => ({
  kernels: ["softmax", settings.kernel],
  trainable: [...settings.train],
  seed: settings.seed,
  heads: settings.heads,
  queryKeyScale: settings.qk,
  valueScale: settings.v,
  equalValues: settings.equal,
  stepShare: settings.share,
  steps: Number(settings.steps),
  plane: settings.plane,
  around: settings.around,
  draw: settings.draw,
  reach: settings.reach,
  points: Number(settings.points),
});

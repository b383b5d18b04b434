import { oneOf, real, whole, type SettingsOf } from "../kit/settings.js";
import { kernelNames, problemIn, problemSchema, type KernelName, type Problem } from "../three-matrices/settings.js";

export const planes = ["ends", "path", "random"] as const;
export const middles = ["start", "end"] as const;
export const scales = ["log", "linear"] as const;
export const stepCounts = ["200", "1000", "4000"] as const;
export const gridSizes = ["21", "31", "51"] as const;

/** Kernels to set beside softmax. */
export const others = kernelNames.filter((name) => name !== "softmax");

export const schema = {
  ...problemSchema,
  kernel: oneOf("gaussian", others),
  steps: oneOf("1000", stepCounts),
  plane: oneOf("ends", planes),
  around: oneOf("start", middles),
  draw: whole(1, 0, 1e6),
  reach: real(1, 0.1, 10),
  points: oneOf("31", gridSizes),
  scale: oneOf("log", scales),
  turn: whole(40, 0, 359),
  tilt: whole(30, 5, 90),
};
export type Settings = SettingsOf<typeof schema>;

/** What a worker computes. */
export interface Task extends Problem {
  readonly kernels: readonly KernelName[];
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
  ...problemIn(settings),
  steps: Number(settings.steps),
  plane: settings.plane,
  around: settings.around,
  draw: settings.draw,
  reach: settings.reach,
  points: Number(settings.points),
});

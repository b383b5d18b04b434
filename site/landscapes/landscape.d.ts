import type { Roughness } from "attention-kernels/analysis";
import type { Task } from "./settings.js";

/** The loss of one kernel on its plane, and its descent there. */
export interface Found {
  readonly kernel: string;
  /** Scales along both directions, and the losses at all pairs, row by row of x. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly losses: readonly number[];
  /** What each direction is: the way of a kernel, by its place in the task, a principal one, or a random one. */
  readonly used: readonly (number | "path" | "random")[];
  /** Along the middle lines of the window, in x and in y. */
  readonly middles: readonly Roughness[];
  /** Share of the squared distances from the plane's centre that lies in the plane; null for weights that stay. */
  readonly inPlane: number | null;
  /** How many numbers train. */
  readonly trained: number;
  /** The descent: some of its steps, their losses and their places on the plane. */
  readonly path: {
    readonly stepSize: number;
    readonly steps: readonly number[];
    readonly losses: readonly number[];
    readonly x: readonly number[];
    readonly y: readonly number[];
  };
}

export function landscape(task: Task, follow?: (found: Found) => void | Promise<void>): Promise<Found[]>;

import type { Task } from "./settings.js";

/** What is measured before a step. */
export interface Step {
  /** Per site. */
  readonly energy: number;
  /** Of the total energy. */
  readonly variance: number;
  /** ρ, the variance of the attention weights over their squared means. */
  readonly dependence: number;
  /** The mean attention weights of every head, [heads, n, n]. */
  readonly maps: number[];
}

export function exactEnergy(j2: number): number;

export function learn(task: Task, follow?: (step: Step) => void): Promise<number[]>;

import { paired } from "../comparison/runs.js";
import type { MeanInterval } from "../../analysis/mean-interval.js";
import type { SymmetricRun } from "./measurements.js";

/** Steps after which a run had done an epoch's share, from 0. */
export const stepsAfter = ({ losses, epochs }: Pick<SymmetricRun, "losses" | "epochs">, epoch: number): number => ((epoch + 1) * losses.length) / epochs.length;

/**
 * Steps until the held-out loss first came down to `loss`, on straight lines between measurements after each epoch; at most those of the first epoch
 * if it was there by then. Undefined if it never was.
 */
export function stepsTo(run: Pick<SymmetricRun, "losses" | "epochs">, loss: number): number | undefined {
  const { epochs } = run;
  const at = epochs.findIndex(({ testLoss }) => testLoss <= loss);
  if (at <= 0) return at < 0 ? undefined : stepsAfter(run, 0);
  const [before, after] = [epochs[at - 1].testLoss, epochs[at].testLoss];
  const share = (before - loss) / (before - after);
  return stepsAfter(run, at - 1) + share * (stepsAfter(run, at) - stepsAfter(run, at - 1));
}

/** How far from the loss of word frequencies to the least loss that all runs reached the levels of the table lie. */
const DEPTHS = [1 / 3, 2 / 3, 1];

/** Held-out losses that every run reached; none if some run learned less than the frequencies of words. */
export function reachedLevels(runs: readonly SymmetricRun[], frequencyLoss: number): number[] {
  const deepest = Math.max(...runs.map(({ epochs }) => Math.min(...epochs.map(({ testLoss }) => testLoss))));
  return deepest < frequencyLoss ? DEPTHS.map((depth) => frequencyLoss + depth * (deepest - frequencyLoss)) : [];
}

/** Steps of one kernel over those of another to a level that all reached, seed by seed. */
export const stepRatio = (runs: readonly SymmetricRun[], kernel: string, reference: string, level: number): MeanInterval | undefined =>
  paired(runs, kernel, reference, (own, other) => Number(stepsTo(own, level)) / Number(stepsTo(other, level)));

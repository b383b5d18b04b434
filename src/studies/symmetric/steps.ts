import { meanInterval, type MeanInterval } from "../../analysis/mean-interval.js";
import { paired } from "../comparison/runs.js";
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

/** How far from the loss of word frequencies to the least loss that all runs reached the levels of the comparison lie. */
const DEPTHS = [1 / 3, 2 / 3, 1];

/** Held-out losses that every run reached; none if some run learned less than the frequencies of words. */
export function reachedLevels(runs: readonly SymmetricRun[], frequencyLoss: number): number[] {
  const deepest = Math.max(...runs.map(({ epochs }) => Math.min(...epochs.map(({ testLoss }) => testLoss))));
  return deepest < frequencyLoss ? DEPTHS.map((depth) => frequencyLoss + depth * (deepest - frequencyLoss)) : [];
}

/** Steps of a kernel and of a reference to a level. */
export interface StepComparison {
  readonly level: number;
  /** Means over seeds. */
  readonly steps: number;
  readonly reference: number;
  /** Geometric mean of the ratio over paired seeds, and its interval: Student's, of the logarithm. */
  readonly ratio: MeanInterval;
}

/** The steps of one kernel and of another to losses that all their runs reached. */
export function compareSteps(runs: readonly SymmetricRun[], kernel: string, reference: string, frequencyLoss: number): StepComparison[] {
  const both = runs.filter((run) => run.kernel === kernel || run.kernel === reference);
  return reachedLevels(both, frequencyLoss).flatMap((level) => {
    const log = paired(both, kernel, reference, (own, other) => Math.log(Number(stepsTo(own, level)) / Number(stepsTo(other, level))));
    if (log === undefined) return [];
    const meanSteps = (name: string): number => meanInterval(both.filter((run) => run.kernel === name).map((run) => Number(stepsTo(run, level)))).mean;
    const ratio = { mean: Math.exp(log.mean), low: Math.exp(log.low), high: Math.exp(log.high), count: log.count };
    return [{ level, steps: meanSteps(kernel), reference: meanSteps(reference), ratio }];
  });
}

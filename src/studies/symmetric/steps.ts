import { meanInterval, type MeanInterval } from "../../numerics/mean-interval.js";
import type { EpochMeasure } from "../training/epochs.js";

/** One encoder trained with one kernel from one seed. */
export interface SymmetricRun {
  readonly kernel: string;
  readonly seed: number;
  /** Numbers that train, and those of them in the attention of all layers. */
  readonly parameters: number;
  readonly attentionParameters: number;
  readonly epochs: readonly EpochMeasure[];
  /** Cross-entropy of single batches, each before its step. */
  readonly losses: readonly number[];
}

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

/** How far from the loss of word frequencies to the least loss that both runs of a seed reached the levels of the comparison lie. */
const DEPTHS = [1 / 3, 2 / 3, 1];

/** Steps of a kernel and of a reference to the same loss. */
export interface StepComparison {
  /** The held-out loss; every seed has its own texts and its own level. Means over seeds, as all that follows. */
  readonly level: number;
  readonly steps: number;
  readonly reference: number;
  /** Geometric mean of the ratio over paired seeds, and its interval: Student's, of the logarithm. */
  readonly ratio: MeanInterval;
}

/** Runs of two kernels from one seed, and what both reached. */
interface Pair {
  readonly own: SymmetricRun;
  readonly other: SymmetricRun;
  /** Loss of word frequencies. */
  readonly frequencies: number;
  /** The larger of the least held-out losses. */
  readonly reached: number;
}

const leastLoss = ({ epochs }: SymmetricRun): number => Math.min(...epochs.map(({ testLoss }) => testLoss));

function pairsOf(runs: readonly SymmetricRun[], kernel: string, reference: string, frequencyLoss: (seed: number) => number): Pair[] {
  return runs.flatMap((own) => {
    const other = own.kernel === kernel ? runs.find((run) => run.kernel === reference && run.seed === own.seed) : undefined;
    return other === undefined ? [] : [{ own, other, frequencies: frequencyLoss(own.seed), reached: Math.max(leastLoss(own), leastLoss(other)) }];
  });
}

/** The steps of one kernel and of another to losses that both reached, seed by seed; none if some run learned less than the frequencies of words. */
export function compareSteps(runs: readonly SymmetricRun[], kernel: string, reference: string, frequencyLoss: (seed: number) => number): StepComparison[] {
  const pairs = pairsOf(runs, kernel, reference, frequencyLoss);
  if (pairs.length === 0 || pairs.some(({ frequencies, reached }) => reached >= frequencies)) return [];
  return DEPTHS.map((depth) => {
    const found = pairs.map(({ own, other, frequencies, reached }) => {
      // rounding must not take the last level below what was reached
      const level = Math.max(reached, frequencies + depth * (reached - frequencies));
      return { level, steps: Number(stepsTo(own, level)), reference: Number(stepsTo(other, level)) };
    });
    const mean = (name: "level" | "steps" | "reference"): number => meanInterval(found.map((pair) => pair[name])).mean;
    const log = meanInterval(found.map((pair) => Math.log(pair.steps / pair.reference)));
    return {
      level: mean("level"),
      steps: mean("steps"),
      reference: mean("reference"),
      ratio: { mean: Math.exp(log.mean), low: Math.exp(log.low), high: Math.exp(log.high), count: log.count },
    };
  });
}

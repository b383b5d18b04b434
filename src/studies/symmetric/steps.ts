import type { TrainingRecord } from "../../analysis/monitor/records.js";
import { geometricInterval, meanInterval, type MeanInterval } from "../../numerics/mean-interval.js";
import { stepsTo, type CurvePoint } from "../comparison/steps.js";
import type { EpochMeasure } from "../training/epochs.js";

/** One encoder trained with one kernel from one seed. */
export interface SymmetricRun {
  readonly kernel: string;
  readonly seed: number;
  readonly parameters: number;
  /** Parameters in the attention of all layers. */
  readonly attentionParameters: number;
  readonly epochs: readonly EpochMeasure[];
  /** Cross-entropy of single batches, each before its step. */
  readonly losses: readonly number[];
  /** What the monitor saw. Earlier versions stored none. */
  readonly watched?: readonly TrainingRecord[];
}

/** Steps of a run until the end of an epoch, counted from 0. */
export const stepsAfter = ({ losses, epochs }: Pick<SymmetricRun, "losses" | "epochs">, epoch: number): number =>
  ((epoch + 1) * losses.length) / epochs.length;

/** The held-out loss after every epoch. */
export const heldOutCurve = (run: Pick<SymmetricRun, "losses" | "epochs">): CurvePoint[] =>
  run.epochs.map(({ testLoss }, epoch) => ({ steps: stepsAfter(run, epoch), loss: testLoss }));

/** A run leaves the plateau when its held-out loss falls below this share of the unigram baseline's. */
export const PLATEAU = 0.9;

/** Steps until a run left the plateau; undefined if it did not. */
export const plateauSteps = (run: Pick<SymmetricRun, "losses" | "epochs">, frequencyLoss: number): number | undefined =>
  stepsTo(heldOutCurve(run), PLATEAU * frequencyLoss);

/**
 * The steps of a kernel to leave the plateau over those of another: geometric mean over the seeds on which both left
 * it. Undefined without such seeds.
 */
export function plateauRatio(
  runs: readonly SymmetricRun[],
  kernel: string,
  other: string,
  frequencyLoss: (seed: number) => number,
): MeanInterval | undefined {
  const ratios = runs.flatMap((own) => {
    const pair = own.kernel === kernel ? runs.find((run) => run.kernel === other && run.seed === own.seed) : undefined;
    const steps = plateauSteps(own, frequencyLoss(own.seed));
    const others = pair && plateauSteps(pair, frequencyLoss(own.seed));
    return steps === undefined || others === undefined ? [] : [steps / others];
  });
  return ratios.length === 0 ? undefined : geometricInterval(ratios);
}

/** Levels of the comparison, from 0 at the unigram baseline to 1 at the least loss that both runs of a seed reached. */
const DEPTHS = [1 / 3, 2 / 3, 1];

/** Steps of a kernel and of a reference to the same loss, as means over seeds. */
export interface StepComparison {
  /** The held-out loss; every seed has its own texts and its own level. */
  readonly level: number;
  readonly steps: number;
  readonly reference: number;
  /** Geometric mean of the ratio over paired seeds, with Student's interval of the logarithm. */
  readonly ratio: MeanInterval;
}

/** Runs of two kernels from one seed, and the loss that both reached. */
interface Pair {
  readonly own: SymmetricRun;
  readonly other: SymmetricRun;
  /** Loss of the unigram baseline. */
  readonly frequencies: number;
  /** The larger of the two runs' least held-out losses. */
  readonly reached: number;
}

const leastLoss = ({ epochs }: SymmetricRun): number => Math.min(...epochs.map(({ testLoss }) => testLoss));

function pairsOf(
  runs: readonly SymmetricRun[],
  kernel: string,
  reference: string,
  frequencyLoss: (seed: number) => number,
): Pair[] {
  return runs.flatMap((own) => {
    const other =
      own.kernel === kernel ? runs.find((run) => run.kernel === reference && run.seed === own.seed) : undefined;
    return other === undefined
      ? []
      : [{ own, other, frequencies: frequencyLoss(own.seed), reached: Math.max(leastLoss(own), leastLoss(other)) }];
  });
}

/**
 * Compares the steps of two kernels to losses that both reached, seed by seed. Empty if any run stayed above the
 * unigram baseline.
 */
export function compareSteps(
  runs: readonly SymmetricRun[],
  kernel: string,
  reference: string,
  frequencyLoss: (seed: number) => number,
): StepComparison[] {
  const pairs = pairsOf(runs, kernel, reference, frequencyLoss);
  if (pairs.length === 0 || pairs.some(({ frequencies, reached }) => reached >= frequencies)) return [];
  return DEPTHS.map((depth) => {
    const found = pairs.map(({ own, other, frequencies, reached }) => {
      // rounding must not take the last level below the reached loss
      const level = Math.max(reached, frequencies + depth * (reached - frequencies));
      const steps = (run: SymmetricRun): number => Number(stepsTo(heldOutCurve(run), level));
      return { level, steps: steps(own), reference: steps(other) };
    });
    const mean = (name: "level" | "steps" | "reference"): number => meanInterval(found.map((pair) => pair[name])).mean;
    return {
      level: mean("level"),
      steps: mean("steps"),
      reference: mean("reference"),
      ratio: geometricInterval(found.map((pair) => pair.steps / pair.reference)),
    };
  });
}

import type { TrainingRecord } from "../../analysis/monitor/records.js";
import { meanInterval, type MeanInterval } from "../../numerics/mean-interval.js";
import type { EpochResult } from "../training/classifier.js";

/** One classifier trained with one kernel from one seed. */
export interface ClassifierRun {
  readonly kernel: string;
  readonly seed: number;
  readonly epochs: readonly EpochResult[];
  /** Cross-entropy of single batches, each before its step. */
  readonly losses: readonly number[];
  /** What the monitor saw. Earlier versions stored none. */
  readonly watched?: readonly TrainingRecord[];
}

/** Runs grouped by kernel, in order of appearance. */
export function byKernel<Run extends { readonly kernel: string }>(runs: readonly Run[]): Map<string, Run[]> {
  const groups = new Map<string, Run[]>();
  for (const run of runs) groups.set(run.kernel, [...(groups.get(run.kernel) ?? []), run]);
  return groups;
}

/** The answer of a study in which no run reached the last epoch. */
export const UNFINISHED = "The study was stopped before a model was trained to its end.";

/** Runs that reached the last epoch. */
export const completeRuns = <Run extends { readonly epochs: readonly unknown[] }>(
  runs: readonly Run[],
  epochs: number,
): Run[] => runs.filter((run) => run.epochs.length === epochs);

export const lastEpoch = ({ epochs }: ClassifierRun): EpochResult => epochs[epochs.length - 1];

/** Test accuracies after the last epoch. */
export const lastAccuracies = (runs: readonly ClassifierRun[]): number[] =>
  runs.map((run) => lastEpoch(run).testAccuracy);

/** Compares two kernels seed by seed, and averages over the seeds that both ran. */
export function paired<Run extends Pick<ClassifierRun, "kernel" | "seed">>(
  runs: readonly Run[],
  first: string,
  second: string,
  compare: (first: Run, second: Run) => number,
): MeanInterval | undefined {
  const of = (kernel: string, seed: number) => runs.find((run) => run.kernel === kernel && run.seed === seed);
  const numbers = [...new Set(runs.map(({ seed }) => seed))].flatMap((seed) => {
    const [a, b] = [of(first, seed), of(second, seed)];
    return a && b ? [compare(a, b)] : [];
  });
  return numbers.length === 0 ? undefined : meanInterval(numbers);
}

/** Mean difference of accuracy between two kernels, over paired seeds. */
export const pairedDifference = (
  runs: readonly ClassifierRun[],
  first: string,
  second: string,
): MeanInterval | undefined =>
  paired(runs, first, second, (own, other) => lastEpoch(own).testAccuracy - lastEpoch(other).testAccuracy);

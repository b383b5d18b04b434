import { meanInterval, type MeanInterval } from "../../numerics/mean-interval.js";
import { proportion } from "../../numerics/proportion.js";
import { formatPercent, table, type Table } from "../report/report.js";
import { byKernel, lastAccuracies, lastEpoch, pairedDifference, type ClassifierRun } from "./runs.js";

/** An interval in words. */
export function between({ low, high, count }: MeanInterval, format: (value: number) => string): string {
  return count < 2 ? "unknown from one seed" : `${format(low)} to ${format(high)}`;
}

/** A mean over seeds, with its interval if there are several. */
export function meanWithInterval(values: readonly number[], format: (value: number) => string): string {
  const interval = meanInterval(values);
  return interval.count < 2 ? format(interval.mean) : `${format(interval.mean)} (${between(interval, format)})`;
}

/** A difference of shares in percentage points. */
export const points = (difference: number): string =>
  `${difference < 0 ? "−" : "+"}${Math.abs(100 * difference).toFixed(1)}`;

interface TestSet {
  /** Number of examples. */
  readonly test: number;
  /** Name of the examples, such as "pictures". */
  readonly examples: string;
  /** The accuracy of a constant answer, in words. */
  readonly baseline: string;
}

/** Mean accuracy of every kernel over seeds, with two intervals. */
export function accuracyTable(runs: readonly ClassifierRun[], { test, examples, baseline }: TestSet): Table {
  const rows = [...byKernel(runs)].map(([kernel, own]) => {
    const mean = meanInterval(lastAccuracies(own));
    const all = proportion(Math.round(lastAccuracies(own).reduce((a, b) => a + b) * test), own.length * test);
    const loss = meanInterval(own.map((run) => lastEpoch(run).trainLoss)).mean;
    const seeds = own.map(({ seed }) => seed).join(", ");
    return [
      kernel,
      seeds,
      formatPercent(mean.mean),
      between(mean, formatPercent),
      `${all.successes} of ${all.trials}`,
      all.interval.map(formatPercent).join(" to "),
      loss.toFixed(4),
    ];
  });
  const columns = [
    "kernel",
    "seeds",
    "mean",
    "95 % interval of the mean",
    examples,
    "95 % interval of the share",
    "train loss",
  ];
  const note =
    `The interval of the mean (Student) holds for new ${examples} and new starts, and assumes normal ` +
    "accuracies. The interval of the share (Wilson) " +
    `holds for these models on new ${examples}. ${baseline}`;
  return table("Test accuracy after the last epoch", columns, rows, { summary: true, note });
}

/** The cells that compare a row's kernel with every kernel; a dash for itself, and where nothing can be compared. */
export function pairColumns(
  kernels: readonly string[],
  compare: (kernel: string, other: string) => MeanInterval | undefined,
  format: (value: number) => string,
): (kernel: string) => string[] {
  return (kernel) =>
    kernels.map((other) => {
      const compared = other === kernel ? undefined : compare(kernel, other);
      return compared === undefined ? "–" : `${format(compared.mean)} (${between(compared, format)})`;
    });
}

/** Which of two kernels is better, by the interval of their difference, in which more is better for the first. */
export function verdict(first: string, second: string, { low, high, count }: MeanInterval): string {
  if (count < 2) return "one seed says nothing about others";
  if (low > 0) return `${first} is better`;
  return high < 0 ? `${second} is better` : "these seeds do not tell them apart";
}

/** The comparison of every kernel with the first, in words. */
export function statements(runs: readonly ClassifierRun[]): string[] {
  const [reference, ...others] = byKernel(runs).keys();
  return others.flatMap((kernel) => {
    const difference = pairedDifference(runs, kernel, reference);
    if (!difference) return [];
    const { mean, count } = difference;
    return [
      `${kernel} minus ${reference}: ${points(mean)} points of accuracy (95 % interval ` +
        `${between(difference, points)}, ${count} paired seeds): ${verdict(kernel, reference, difference)}.`,
    ];
  });
}

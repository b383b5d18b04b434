import { median } from "../../numerics/averages.js";
import { proportion } from "../../numerics/proportion.js";
import { palette, type Series } from "../report/lines.js";
import { figure, formatNumber, formatPercent, type Figure, type Table } from "../report/report.js";
import { intervalText, ofTrials, type Group } from "./groups.js";
import type { StartShare } from "./starts.js";
import type { Trial } from "./trial.js";

const colors = Object.values(palette);

const isProved = ({ provedAt }: Trial): boolean => provedAt !== null;

/** "184 of 225 runs that converged". */
export function provedAnswer(groups: readonly Group[]): string {
  const converged = groups.flatMap(({ trials }) => trials.filter((trial) => trial.converged));
  return `${converged.filter(isProved).length} of ${converged.length} runs that converged`;
}

/** The runs whose success was proved on the way, and when. */
export function provedTable(groups: readonly Group[]): Table {
  return {
    kind: "table",
    title: "Three matrices: success proved on the way",
    summary: true,
    columns: [
      "trained",
      "kernel",
      "proved, of those that converged",
      "95 % interval",
      "median step",
      "median steps saved",
    ],
    rows: groups.map(({ subset, kernel, trials }) => {
      const converged = trials.filter((trial) => trial.converged);
      const proved = converged.flatMap(({ provedAt, steps }) => (provedAt === null ? [] : [{ provedAt, steps }]));
      const share = converged.length === 0 ? undefined : proportion(proved.length, converged.length);
      const saved = median(proved.map(({ provedAt, steps }) => 1 - provedAt / Math.max(1, steps)));
      return [
        subset,
        kernel,
        share === undefined ? "none converged" : ofTrials(share),
        share === undefined ? "–" : intervalText(share),
        formatNumber(median(proved.map(({ provedAt }) => provedAt))),
        saved === undefined ? "–" : formatPercent(saved),
      ];
    }),
    note:
      "T2 is applied to the weights of ever rarer steps, with proved constants and the step size of the run. Steps " +
      "saved: the share of the steps to the tolerance that were left when success was proved.",
  };
}

/** The share of all runs of a kernel that were proved to succeed, against steps. */
export function provedFigure(groups: readonly Group[]): Figure {
  const kernels = [...new Set(groups.map(({ kernel }) => kernel))];
  const all = (kernel: string): readonly Trial[] =>
    groups.filter((group) => group.kernel === kernel).flatMap(({ trials }) => trials);
  const last = Math.max(1, ...groups.flatMap(({ trials }) => trials.map(({ steps }) => steps)));
  const series = kernels.map((kernel, index): Series => {
    const trials = all(kernel);
    const steps = trials
      .flatMap(({ provedAt }) => (provedAt === null ? [] : [Math.max(1, provedAt)]))
      .sort((a, b) => a - b);
    const share = (count: number): number => count / trials.length;
    return {
      label: kernel,
      color: colors[index % colors.length],
      dashed: index > 1,
      x: [1, ...steps.flatMap((step) => [step, step]), last],
      y: [0, ...steps.flatMap((_, count) => [share(count), share(count + 1)]), share(steps.length)],
    };
  });
  return figure(
    "proved",
    "Share of runs whose success is proved, by step",
    { kind: "lines", series, xLabel: "step", yLabel: "share of all runs", logarithmicX: true },
    "All subsets of the three matrices together; runs that never converge count. Step 1 stands for the start.",
    "the CPU backend in float64",
  );
}

/** Starts that are proved to succeed, by the number of heads. */
export function startsTable(starts: readonly StartShare[]): Table {
  return {
    kind: "table",
    title: "W^Q alone: share of random starts from which success is proved",
    summary: true,
    columns: ["heads", "kernel", "proved", "95 % interval"],
    rows: starts.map(({ kernel, heads, proved }) => [String(heads), kernel, ofTrials(proved), intervalText(proved)]),
  };
}

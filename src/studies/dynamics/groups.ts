import { proportion, type Proportion } from "../../numerics/proportion.js";
import { formatPercent } from "../report/report.js";
import type { ExperimentName } from "./options.js";
import type { Scales } from "../options.js";
import type { Trial } from "./trial.js";

const letters: Readonly<Record<string, string>> = { query: "Q", key: "K", value: "V", output: "O" };

/** Trials of an experiment that differ only in their seed. */
export interface Group {
  readonly kernel: string;
  /** The trained matrices, such as "{Q, K}". */
  readonly subset: string;
  readonly scales: Scales;
  readonly trials: readonly Trial[];
}

/** The groups of an experiment in the order in which they were measured. */
export function grouped(trials: readonly Trial[], experiment: ExperimentName): Group[] {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) {
    if (trial.experiment !== experiment) continue;
    const name = JSON.stringify([trial.kernel, trial.trained, trial.scales]);
    groups.set(name, [...(groups.get(name) ?? []), trial]);
  }
  return [...groups.values()].map((own) => {
    const { kernel, trained, scales } = own[0];
    return { kernel, subset: `{${trained.map((weight) => letters[weight]).join(", ")}}`, scales, trials: own };
  });
}

export const convergedShare = (trials: readonly Trial[]): Proportion =>
  proportion(trials.filter(({ converged }) => converged).length, trials.length);

export const ofTrials = ({ successes, trials }: Proportion): string => `${successes} of ${trials}`;

export const intervalText = ({ interval }: Proportion): string =>
  interval.map((end) => formatPercent(end)).join(" to ");

export const lossLeft = ({ initialLoss, finalLoss }: Trial): number => finalLoss / initialLoss;

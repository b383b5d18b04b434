import { median } from "../../numerics/averages.js";
import { formatNumber, formatPercent, type Table } from "../report/report.js";
import { convergedShare, intervalText, lossLeft, ofTrials, type Group } from "./groups.js";
import { reference } from "./reference.js";
import type { Trial } from "./trial.js";

/** Steps within which the table of scales counts early convergence. */
const EARLY = 300;

/** Median steps of the converged runs. */
const medianSteps = (trials: readonly Trial[]): string =>
  formatNumber(median(trials.filter(({ converged }) => converged).map(({ steps }) => steps)));

export function matricesTable(groups: readonly Group[]): Table {
  return {
    kind: "table",
    title: "Three matrices: share of runs that converged",
    summary: true,
    columns: [
      "trained",
      "kernel",
      "converged",
      "95 % interval",
      "median steps",
      "median loss left",
      "proved at the start",
      "median rate proved",
      "median rate measured",
    ],
    rows: groups.map(({ subset, kernel, trials }) => {
      const share = convergedShare(trials);
      const rates = trials.flatMap(({ certifiedRate }) => (certifiedRate === null ? [] : [certifiedRate]));
      const measured = trials.map(({ measuredRate }) => measuredRate);
      return [
        subset,
        kernel,
        ofTrials(share),
        intervalText(share),
        medianSteps(trials),
        formatNumber(median(trials.map(lossLeft))),
        `${rates.length} of ${trials.length}`,
        formatNumber(median(rates)),
        formatNumber(median(measured)),
      ];
    }),
    note:
      "Wilson's interval. Median steps: of the runs that converged. A run that has not converged may need " +
      "more steps. Rates: fraction of the loss that a step " +
      "removes; a proved rate is a lower bound, a measured rate a mean. A run without a proof need not fail.",
  };
}

/** W^Q alone for every seed: steps to the tolerance, or the remaining share of the loss. */
export function seedTable(groups: readonly Group[]): Table {
  const seeds = [...new Set(groups.flatMap(({ trials }) => trials.map(({ seed }) => seed)))];
  return {
    kind: "table",
    title: "W^Q alone, seed by seed: steps to the tolerance, or the remaining share of the loss",
    columns: ["kernel", ...seeds.map((seed) => `seed ${seed}`)],
    rows: groups.map(({ kernel, trials }) => [
      kernel,
      ...seeds.map((seed) => {
        const trial = trials.find((own) => own.seed === seed);
        return trial === undefined
          ? "–"
          : trial.converged
            ? formatNumber(trial.steps, 5)
            : `left ${formatNumber(lossLeft(trial), 1)}`;
      }),
    ]),
  };
}

export function equalValuesTable(groups: readonly Group[]): Table {
  return {
    kind: "table",
    title: "W^Q alone, equal values: share of runs that converged",
    summary: true,
    columns: [
      "kernel",
      "converged",
      "95 % interval",
      "median steps",
      "least loss left",
      "most loss left",
      "floor proved by T4",
    ],
    rows: groups.map(({ kernel, trials }) => {
      const [share, left] = [convergedShare(trials), trials.map(lossLeft)];
      const floors = trials.flatMap(({ lossFloor, initialLoss }) =>
        lossFloor === null ? [] : [lossFloor / initialLoss],
      );
      const floor =
        floors.length === 0
          ? "none"
          : `${formatPercent(Math.min(...floors))} of the loss, ${floors.length} of ${trials.length} runs`;
      return [
        kernel,
        ofTrials(share),
        intervalText(share),
        medianSteps(trials),
        formatNumber(Math.min(...left)),
        formatNumber(Math.max(...left)),
        floor,
      ];
    }),
  };
}

/** Convergence by the scales of W^V and of W^Q and W^K, beside the reference. */
export function scaleTable(groups: readonly Group[]): Table {
  return {
    kind: "table",
    title: "W^Q alone, by the scale of W^V against that of W^Q and W^K",
    summary: true,
    columns: [
      "W^V",
      "W^Q, W^K",
      "kernel",
      "median σ_max(W^Q, W^K) / σ_min(W^V)",
      "median C",
      "reference",
      `converged in ${EARLY}`,
      "converged",
      "95 % interval",
      "reference",
    ],
    rows: groups.map(({ scales, kernel, trials }) => {
      const known = reference.find(
        ({ value, queryKey }) => value === scales.value && queryKey === scales.query && queryKey === scales.key,
      )?.cells[kernel];
      const share = convergedShare(trials);
      const early = trials.filter(({ converged, steps }) => converged && steps <= EARLY).length;
      return [
        String(scales.value),
        String(scales.query),
        kernel,
        formatNumber(median(trials.map(({ queryKeyOverValue }) => queryKeyOverValue))),
        formatNumber(median(trials.flatMap(({ nonlinearity }) => (nonlinearity === null ? [] : [nonlinearity])))),
        formatNumber(known?.nonlinearity),
        String(early),
        ofTrials(share),
        intervalText(share),
        known === undefined ? "–" : `${known.converged} of 6`,
      ];
    }),
    note:
      "C = 8 L_J‖r_0‖/σ_0², four times the h of T2, with the proved bound T3 for L_J. The reference does not " +
      "state how it computed L_J, its tolerance or its number of steps, " +
      "so only the order of its rows is comparable with ours, not its single numbers.",
  };
}

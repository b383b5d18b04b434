import { mean } from "../../numerics/averages.js";
import { meanInterval } from "../../numerics/mean-interval.js";
import { byKernel, paired } from "../comparison/runs.js";
import { between, meanWithInterval, verdict } from "../comparison/tables.js";
import { palette, type Series } from "../report/lines.js";
import {
  figure,
  formatNumber,
  formatPercent,
  paragraph,
  table,
  type Figure,
  type Report,
  type Table,
} from "../report/report.js";
import type { PottsOptions } from "./options.js";
import type { PottsRun } from "./train.js";

/** What a seed's predictors learn. */
interface PottsTruth {
  readonly seed: number;
  /** Couplings J of the pairs i < j, scaled to norm 1. */
  readonly couplings: readonly number[];
  /** The loss of the true model on the held-out samples. */
  readonly loss: number;
}

export interface PottsMeasurements {
  readonly truths: readonly PottsTruth[];
  readonly runs: readonly PottsRun[];
}

/** Points of a line in the figure of losses. */
const POINTS = 40;

const correlated = (value: number): string => value.toFixed(4);
const nats = (value: number): string => formatNumber(value, 2);
const coupled = ({ couplingCorrelation }: PottsRun): number => couplingCorrelation;

function recoveryTable(runs: readonly PottsRun[], trueLoss: number): Table {
  const rows = [...byKernel(runs)].map(([kernel, own]) => [
    kernel,
    meanWithInterval(own.map(coupled), correlated),
    correlated(mean(own.map(({ interactionCorrelation }) => interactionCorrelation))),
    meanWithInterval(
      own.map(({ heldOut }) => heldOut),
      nats,
    ),
    formatPercent(mean(own.map(({ residual }) => residual))),
    formatPercent(mean(own.map(({ betweenContexts }) => betweenContexts))),
    String(own[0].parameters),
    formatNumber(mean(own.map(({ secondsPerStep }) => secondsPerStep)), 2),
  ]);
  const columns = [
    "attention",
    "correlation with J",
    "with U",
    "loss above the true model's",
    "not J_ij U_ab",
    "by context",
    "parameters",
    "s/step",
  ];
  return table("Recovery after the last step", columns, rows, {
    summary: true,
    note:
      `Means over seeds, with Student's 95 % intervals. Losses on held-out samples, in nats per site; the true model ` +
      `has ${trueLoss.toFixed(4)}. Not J_ij U_ab: share of the squared responses that is not of this form; by ` +
      "context: the part of it by which responses differ between contexts.",
  });
}

/** Pairs to compare: every encoder with the first predictor, and with the first encoder. */
function comparisons(kernels: readonly string[]): (readonly [string, string])[] {
  const [reference, ...others] = kernels;
  return [
    ...others.map((own) => [own, reference] as const),
    ...others.slice(1).map((own) => [own, others[0]] as const),
  ];
}

function differenceTable(runs: readonly PottsRun[], pairs: readonly (readonly [string, string])[]): Table {
  const rows = pairs.flatMap(([own, other]) => {
    const [correlation, loss] = [coupled, ({ heldOut }: PottsRun) => heldOut].map((of) =>
      paired(runs, own, other, (run, reference) => of(run) - of(reference)),
    );
    return correlation === undefined || loss === undefined
      ? []
      : [
          [
            `${own} minus ${other}`,
            correlated(correlation.mean),
            between(correlation, correlated),
            verdict(own, other, correlation),
            nats(loss.mean),
            between(loss, nats),
          ],
        ];
  });
  const columns = ["", "correlation with J", "95 % interval", "by correlation", "held-out loss", "95 % interval"];
  return table("Differences, over paired seeds", columns, rows, { summary: true });
}

function lossFigure(runs: readonly PottsRun[]): Figure {
  const colors = Object.values(palette);
  const series = [...byKernel(runs)].map(([label, own], index): Series => {
    const steps = own[0].losses.length;
    const edges = Array.from({ length: POINTS + 1 }, (_, point) => Math.round((point * steps) / POINTS));
    const places = edges.slice(1).flatMap((end, at) => (end > edges[at] ? [[edges[at], end] as const] : []));
    return {
      label,
      color: colors[index % colors.length],
      x: places.map(([, end]) => end),
      y: places.map(([begin, end]) => mean(own.map(({ losses }) => mean(losses.slice(begin, end))))),
    };
  });
  return figure(
    "loss",
    "Masked prediction: loss above that of the true model",
    { kind: "lines", series, xLabel: "step", yLabel: "nats a site", logarithmic: true },
    "Batches before their steps against the true model on the same batches, means over up to " +
      `1/${POINTS} of the steps and over seeds.`,
  );
}

function couplingFigure(runs: readonly PottsRun[], { seed, couplings: truth }: PottsTruth): Figure {
  const order = truth.map((_, pair) => pair).sort((a, b) => truth[a] - truth[b]);
  const places = order.map((_, place) => place + 1);
  const line = (facet: string, label: string, color: string, values: readonly number[]): Series => ({
    label,
    color,
    x: places,
    y: order.map((pair) => values[pair]),
    facet,
  });
  return figure(
    "couplings",
    "Couplings J, true and recovered",
    {
      kind: "lines",
      series: runs
        .filter((run) => run.seed === seed)
        .flatMap(({ kernel, couplings }) => [
          line(kernel, "true", palette.grey, truth),
          line(kernel, "recovered", palette.orange, couplings),
        ]),
      xLabel: "pair, by its true coupling",
      yLabel: "J_ij, norm 1",
    },
    `Seed ${seed}: the ${truth.length} pairs in the order of their true couplings.`,
  );
}

/** Tables and figures of the study. */
export function report({ runs, truths }: PottsMeasurements, options: PottsOptions): Report {
  const { sites, colours, samples, test, contexts, width, hidden, heads, batch, epochs } = options;
  const kernels = [...byKernel(runs).keys()];
  const pairs = comparisons(kernels);
  const rates = [...byKernel(runs)].map(([kernel, [{ rate }]]) => `${kernel} ${rate}`);
  const found = [...byKernel(runs)].map(
    ([kernel, own]) => `${kernel} ${correlated(meanInterval(own.map(coupled)).mean)}`,
  );
  const seeds = `${truths.length} ${truths.length === 1 ? "seed" : "seeds"}`;
  return {
    answer: `Correlation with J: ${found.join(", ")}; means over ${seeds}.`,
    blocks: [
      paragraph(
        `Samples of H = -Σ J_ij U_(s_i s_j) (arXiv 2304.07235): ${sites} sites, ${colours} colours, ${samples} ` +
          `configurations by Gibbs sampling to learn from and ${test} of another chain to test on; every seed has ` +
          "its own J and U. A predictor gives the colour of each site from the others: one layer of factored " +
          "attention, " +
          "of which A = J, V = U is the exact conditional; and encoders with softmax that read a row once for every " +
          `site, with this site masked (width ${width}, hidden ${hidden}, ${heads} heads, learned positions). All ` +
          `see the same batches of ${batch} rows in the same order, ${epochs} epochs, and learn from every site of a ` +
          `row; Adam, with rates that fall to 0 with a cosine: ${rates.join(", ")}. The loss of the factored layer ` +
          `has local minima: of ${options.restarts} starts the one with the least loss in the last epoch counts. ` +
          "Encoders have one start.",
      ),
      paragraph(
        `J is read off all predictors in one way. In ${Math.min(contexts, test)} held-out configurations each site j ` +
          "gets every colour b; the change of the logit of colour a at site i, centred over a and b, is the " +
          "response. The true model has J_ij U_ab in every configuration. " +
          "The leading singular vectors of the mean response give J, " +
          "scaled to norm 1, and U; the true J only sets the sign.",
      ),
      recoveryTable(runs, mean(truths.map(({ loss }) => loss))),
      ...(pairs.length === 0 ? [] : [differenceTable(runs, pairs)]),
      lossFigure(runs),
      couplingFigure(runs, truths[0]),
    ],
  };
}

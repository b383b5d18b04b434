import { mean } from "../../numerics/averages.js";
import { palette } from "../report/lines.js";
import { figure, formatNumber, paragraph, table, type Report } from "../report/report.js";
import type { PottsOptions, PottsRun } from "./train.js";

export interface PottsMeasurements {
  /** Couplings J of the pairs i < j, scaled to norm 1. */
  readonly truth: readonly number[];
  /** The loss of the true model over all samples. */
  readonly trueLoss: number;
  readonly runs: readonly PottsRun[];
}

/** Number of last batches whose mean loss is reported. */
const LAST = 20;

const lastLoss = ({ losses }: PottsRun): number => mean(losses.slice(-LAST));

/** Tables and figures of the study. */
export function report(
  { runs, trueLoss, truth }: PottsMeasurements,
  { sites, colours, samples, batch, epochs, restarts, learningRate }: PottsOptions,
): Report {
  const order = truth.map((_, pair) => pair).sort((a, b) => truth[a] - truth[b]);
  const places = order.map((_, place) => place + 1);
  const factored = runs.find(({ attention }) => attention === "factored");
  const colour = { factored: palette.orange, softmax: palette.blue };
  const losses = [
    ...runs.map((run) => ({
      label: run.attention,
      color: colour[run.attention],
      x: run.losses.map((_, step) => step + 1),
      y: run.losses,
    })),
    {
      label: "true model",
      color: palette.grey,
      dashed: true,
      x: [1, Math.max(2, ...runs.map((run) => run.losses.length))],
      y: [trueLoss, trueLoss],
    },
  ];
  const couplings = [
    { label: "true", color: palette.grey, x: places, y: order.map((pair) => truth[pair]) },
    ...(factored
      ? [
          {
            label: "factored",
            color: palette.orange,
            dashed: true,
            x: places,
            y: order.map((pair) => factored.couplings[pair]),
          },
        ]
      : []),
  ];
  const rows = runs.map((run) => [
    run.attention,
    lastLoss(run).toFixed(4),
    formatNumber(lastLoss(run) - trueLoss, 2),
    run.couplingCorrelation.toFixed(4),
    run.absoluteCorrelation === undefined ? "–" : run.absoluteCorrelation.toFixed(4),
    run.interactionCorrelation.toFixed(4),
    String(run.parameters),
    formatNumber(run.secondsPerStep, 2),
  ]);
  const parts = runs.map(
    (run) =>
      `${run.attention} attention: correlation with J ${run.couplingCorrelation.toFixed(4)}, with U ` +
      `${run.interactionCorrelation.toFixed(4)}, loss ${lastLoss(run).toFixed(4)}`,
  );
  return {
    answer: `${parts.join("; ")}; the true model has ${trueLoss.toFixed(4)} nats a site.`,
    blocks: [
      paragraph(
        `Samples of H = -Σ J_ij U_(s_i s_j) (arXiv 2304.07235): ${sites} sites, ${colours} colours, ` +
          `${samples} configurations by Gibbs sampling. One layer predicts each site from the others ` +
          `(Adam, learning rate ${learningRate}, batches of ${batch}, ${epochs} epochs, the best of ${restarts} ` +
          "starts by loss). Factored attention with A = J, V = U is the exact conditional. The gauge is fixed " +
          "before comparing: " +
          "J is symmetric with norm 1, and columns of U have mean 0. Softmax attention has queries from " +
          "positions, and keys from positions and colours; its mean weights are compared with J.",
      ),
      table(
        "Recovery",
        [
          "attention",
          "loss at end",
          "above the true model",
          "correlation with J",
          "with |J|",
          "correlation with U",
          "parameters",
          "s/step",
        ],
        rows,
        {
          summary: true,
          note:
            `Losses in nats per site, means of the last ${LAST} batches; the true model has ` +
            `${trueLoss.toFixed(4)} over all samples.`,
        },
      ),
      figure(
        "loss",
        "Cross entropy of masked prediction",
        { kind: "lines", series: losses, xLabel: "step", yLabel: "nats a site" },
        "Single batches, each before its step.",
      ),
      figure(
        "couplings",
        "Couplings J, true and recovered",
        { kind: "lines", series: couplings, xLabel: "pair, by its true coupling", yLabel: "J_ij, norm 1" },
        `The ${truth.length} pairs in the order of their true couplings.`,
      ),
    ],
  };
}

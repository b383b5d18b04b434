import type { Series } from "../report/lines.js";
import { figure, type Figure } from "../report/report.js";
import { BAND, bands } from "./bands.js";
import type { EpochResult } from "../training/classifier.js";
import type { ClassifierRun } from "./runs.js";

const shared = { kind: "lines", xLabel: "epoch", dots: true } as const;

const draw = (runs: readonly ClassifierRun[], value: (epoch: EpochResult) => number): Series[] =>
  bands(
    runs,
    (epoch) => epoch + 1,
    ({ epochs }) => epochs.map(value),
  );

/** Accuracy over epochs, with bands over seeds; `task` begins the title, `examples` names what is classified. */
export function accuracyFigure(runs: readonly ClassifierRun[], task: string, examples: string): Figure {
  const series = draw(runs, ({ testAccuracy }) => testAccuracy);
  return figure(
    "accuracy",
    `${task}: test accuracy over epochs`,
    { ...shared, series, yLabel: "test accuracy (%)", percent: true },
    `Share of held-out ${examples} classified correctly. ${BAND}`,
  );
}

/** `accuracyFigure`, and the loss over epochs. */
export function curveFigures(runs: readonly ClassifierRun[], task: string, examples: string): Figure[] {
  const losses = draw(runs, ({ trainLoss }) => trainLoss);
  return [
    accuracyFigure(runs, task, examples),
    figure(
      "loss",
      `${task}: training loss over epochs`,
      { ...shared, series: losses, yLabel: "cross-entropy (nats)" },
      `Mean cross-entropy of an epoch's batches, each before its step. ${BAND}`,
    ),
  ];
}

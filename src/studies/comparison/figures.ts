import type { Series } from "../report/lines.js";
import { figure, type Figure } from "../report/report.js";
import { BAND, bands } from "./bands.js";
import type { ClassifierRun } from "./runs.js";

/**
 * Accuracy and loss over epochs, with bands over seeds; `task` begins the titles, `examples` names what is classified.
 */
export function curveFigures(runs: readonly ClassifierRun[], task: string, examples: string): Figure[] {
  const draw = (values: (run: ClassifierRun) => readonly number[]): Series[] =>
    bands(runs, (epoch) => epoch + 1, values);
  const accuracies = draw(({ epochs }) => epochs.map(({ testAccuracy }) => testAccuracy));
  const losses = draw(({ epochs }) => epochs.map(({ trainLoss }) => trainLoss));
  const shared = { kind: "lines", xLabel: "epoch", dots: true } as const;
  return [
    figure(
      "accuracy",
      `${task}: test accuracy over epochs`,
      { ...shared, series: accuracies, yLabel: "test accuracy (%)", percent: true },
      `Share of held-out ${examples} classified correctly. ${BAND}`,
    ),
    figure(
      "loss",
      `${task}: training loss over epochs`,
      { ...shared, series: losses, yLabel: "cross-entropy (nats)" },
      `Mean cross-entropy of an epoch's batches, each before its step. ${BAND}`,
    ),
  ];
}

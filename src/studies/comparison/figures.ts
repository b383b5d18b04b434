import { linePlot, type Series } from "../report/lines.js";
import type { Figure } from "../report/presentation.js";
import { BAND, bands } from "./bands.js";
import type { ClassifierRun } from "./runs.js";

/** Accuracy and loss over epochs, with bands over seeds; `task` heads the titles, `examples` says what is classified. */
export function curveFigures(runs: readonly ClassifierRun[], task: string, examples: string): Figure[] {
  const draw = (values: (run: ClassifierRun) => readonly number[]): Series[] => bands(runs, (epoch) => epoch + 1, values);
  const [accuracy, loss] = [`${task}: test accuracy over epochs`, `${task}: training loss over epochs`];
  return [
    {
      kind: "figure",
      name: "accuracy",
      title: accuracy,
      svg: linePlot(draw(({ epochs }) => epochs.map(({ testAccuracy }) => testAccuracy)), { title: accuracy, xLabel: "epoch", yLabel: "test accuracy (%)", percent: true, dots: true }),
      caption: `Share of held-out ${examples} classified correctly. ${BAND}`,
    },
    {
      kind: "figure",
      name: "loss",
      title: loss,
      svg: linePlot(draw(({ epochs }) => epochs.map(({ trainLoss }) => trainLoss)), { title: loss, xLabel: "epoch", yLabel: "cross-entropy (nats)", dots: true }),
      caption: `Mean cross-entropy of an epoch's batches, each before its step. ${BAND}`,
    },
  ];
}

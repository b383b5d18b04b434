import { meanInterval } from "../../analysis/mean-interval.js";
import { linePlot, palette, type Series } from "../report/lines.js";
import type { Figure } from "../report/presentation.js";
import { byKernel, type ClassifierRun } from "./runs.js";

const colors = Object.values(palette);

/** The mean over seeds of one number of every epoch, with Student's interval where there are seeds enough. */
function band(runs: readonly ClassifierRun[], label: string, color: string, values: (run: ClassifierRun) => readonly number[]): Series {
  const rows = runs.map(values);
  const epochs = Math.min(...rows.map((row) => row.length));
  const means = Array.from({ length: epochs }, (_, epoch) => meanInterval(rows.map((row) => row[epoch])));
  const line = { label, color, x: means.map((_, epoch) => epoch + 1), y: means.map(({ mean }) => mean) };
  return runs.length < 2 ? line : { ...line, band: { low: means.map(({ low }) => low), high: means.map(({ high }) => high) } };
}

const BAND = "Mean over seeds; the band is Student's 95 % interval of the mean.";

/** Accuracy and loss over epochs, with bands over seeds; `task` heads the titles, `examples` says what is classified. */
export function curveFigures(runs: readonly ClassifierRun[], task: string, examples: string): Figure[] {
  const groups = [...byKernel(runs)];
  const draw = (values: (run: ClassifierRun) => readonly number[]): Series[] => groups.map(([kernel, own], index) => band(own, kernel, colors[index % colors.length], values));
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

import { mean } from "../../numerics/averages.js";
import type { DataSummary } from "../corpus/dataset.js";
import { linePlot } from "../report/lines.js";
import type { Figure } from "../report/presentation.js";
import type { ConvergenceConfiguration } from "./configuration.js";
import type { Curve, GuaranteeRun, LearningRun } from "./measurements.js";
import { kernelColor, trainedName } from "./names.js";

export function guaranteeFigure(runs: readonly GuaranteeRun[], { guarantee }: ConvergenceConfiguration): Figure {
  const title = "Single layer: loss of gradient descent, by what is trained";
  const series = runs.flatMap(({ kernel, trained, theorem, curve }) => {
    const shared = { color: kernelColor[kernel], facet: trainedName(trained), x: curve.steps };
    const measured = { ...shared, label: kernel, y: curve.losses };
    return curve.predicted ? [measured, { ...shared, label: `${kernel}, ${theorem}'s bound`, y: curve.predicted, dashed: true }] : [measured];
  });
  return {
    kind: "figure",
    name: "guarantee",
    title,
    svg: linePlot(series, { title, xLabel: "step", yLabel: "loss ½‖Ŷ - Y‖²", logarithmic: true }),
    device: "the CPU backend in float64",
    caption:
      `Loss of the single-layer model on ${guarantee.samples} texts of ${guarantee.tokens} tokens; ` +
      "dashed: the curve that the certificate guarantees.",
  };
}

/** Means of consecutive batch losses, about sixty points, so that two noisy curves can be told apart. */
function smooth({ steps, losses }: Curve): Curve {
  const size = Math.max(1, Math.round(losses.length / 60));
  const starts = Array.from({ length: Math.ceil(losses.length / size) }, (_, index) => index * size);
  return {
    steps: starts.map((start) => steps[Math.min(start + size, steps.length) - 1]),
    losses: starts.map((start) => mean(losses.slice(start, start + size))),
  };
}

export function lossFigure(runs: readonly LearningRun[], data: DataSummary): Figure {
  const title = "Encoder: training loss";
  const series = runs.map(({ kernel, curve }) => {
    const { steps, losses } = smooth(curve);
    return { label: kernel, color: kernelColor[kernel], x: steps, y: losses };
  });
  return {
    kind: "figure",
    name: "training-loss",
    title,
    svg: linePlot(series, { title, xLabel: "step", yLabel: "cross-entropy (nats)" }),
    caption: `Cross-entropy of training batches of ${data.name}, means of neighbouring batches (results.json has every one).`,
  };
}

export function accuracyFigure(runs: readonly LearningRun[], data: DataSummary): Figure {
  const title = "Encoder: test accuracy";
  const series = runs.map(({ kernel, epochs }) => ({
    label: kernel,
    color: kernelColor[kernel],
    x: epochs.map(({ epoch }) => epoch),
    y: epochs.map(({ testAccuracy }) => testAccuracy),
  }));
  return {
    kind: "figure",
    name: "test-accuracy",
    title,
    svg: linePlot(series, { title, xLabel: "epoch", yLabel: "test accuracy (%)", percent: true, dots: true }),
    caption: `Share of ${data.test} held-out texts of ${data.name} classified correctly, after each epoch.`,
  };
}

import { mean } from "../../numerics/averages.js";
import type { DataSummary } from "../corpus/dataset.js";
import { figure, type Figure } from "../report/report.js";
import type { Curve, GuaranteeRun, LearningRun } from "./measurements.js";
import { kernelColor, trainedName } from "./names.js";
import type { ConvergenceOptions } from "./options.js";

export function guaranteeFigure(
  runs: readonly GuaranteeRun[],
  { samples, tokens }: ConvergenceOptions["guarantee"],
): Figure {
  const series = runs.flatMap(({ kernel, trained, theorem, curve }) => {
    const shared = { color: kernelColor[kernel], facet: trainedName(trained), x: curve.steps };
    const measured = { ...shared, label: kernel, y: curve.losses };
    return curve.predicted
      ? [measured, { ...shared, label: `${kernel}, ${theorem}'s bound`, y: curve.predicted, dashed: true }]
      : [measured];
  });
  const plot = { kind: "lines", series, xLabel: "step", yLabel: "loss ½‖Ŷ - Y‖²", logarithmic: true } as const;
  const caption =
    `Loss of the single-layer model on ${samples} texts of ${tokens} tokens; dashed: the curve that the ` +
    "certificate guarantees.";
  return figure(
    "guarantee",
    "Single layer: loss of gradient descent, by what is trained",
    plot,
    caption,
    "the CPU backend in float64",
  );
}

/** Means of consecutive batch losses, in about sixty points, so that two noisy curves can be told apart. */
function smooth({ steps, losses }: Curve): Curve {
  const size = Math.max(1, Math.round(losses.length / 60));
  const starts = Array.from({ length: Math.ceil(losses.length / size) }, (_, index) => index * size);
  return {
    steps: starts.map((start) => steps[Math.min(start + size, steps.length) - 1]),
    losses: starts.map((start) => mean(losses.slice(start, start + size))),
  };
}

export function lossFigure(runs: readonly LearningRun[], data: DataSummary): Figure {
  const series = runs.map(({ kernel, curve }) => {
    const { steps, losses } = smooth(curve);
    return { label: kernel, color: kernelColor[kernel], x: steps, y: losses };
  });
  const caption =
    `Cross-entropy of training batches of ${data.name}, means of neighbouring batches (results.json has ` +
    "every one).";
  return figure(
    "training-loss",
    "Encoder: training loss",
    { kind: "lines", series, xLabel: "step", yLabel: "cross-entropy (nats)" },
    caption,
  );
}

export function accuracyFigure(runs: readonly LearningRun[], data: DataSummary): Figure {
  const series = runs.map(({ kernel, epochs }) => ({
    label: kernel,
    color: kernelColor[kernel],
    x: epochs.map(({ epoch }) => epoch),
    y: epochs.map(({ testAccuracy }) => testAccuracy),
  }));
  const caption = `Share of ${data.test} held-out texts of ${data.name} classified correctly, after each epoch.`;
  return figure(
    "test-accuracy",
    "Encoder: test accuracy",
    { kind: "lines", series, xLabel: "epoch", yLabel: "test accuracy (%)", percent: true, dots: true },
    caption,
  );
}

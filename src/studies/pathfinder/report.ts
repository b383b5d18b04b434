import { meanInterval } from "../../numerics/mean-interval.js";
import { curveFigures } from "../comparison/figures.js";
import { monitorBlocks } from "../comparison/monitor.js";
import { byKernel, completeRuns, lastAccuracies, UNFINISHED, type ClassifierRun } from "../comparison/runs.js";
import { accuracyTable, statements } from "../comparison/tables.js";
import {
  formatNumber,
  formatPercent,
  heading,
  paragraph,
  table,
  type Block,
  type Report,
  type Table,
} from "../report/report.js";
import { landscapeFigures } from "./figures.js";
import type { Landscape } from "./landscapes.js";
import type { PathfinderOptions } from "./options.js";

export interface PathfinderMeasurements {
  /**
   * Baseline of every seed that sees no contour: test accuracy of nearest neighbours on the positions of the dots.
   */
  readonly positionsAccuracy: readonly number[];
  readonly runs: readonly ClassifierRun[];
  readonly landscapes: readonly Landscape[];
}

function landscapeTable(landscapes: readonly Landscape[]): Table {
  const rows = landscapes.map(({ kernel, seed, hessian, lines, pathPlane }) => {
    const mean = (value: (line: (typeof lines)[number]) => number): number =>
      lines.reduce((sum, line) => sum + value(line), 0) / lines.length;
    return [
      kernel,
      String(seed),
      formatNumber(hessian.largest),
      formatNumber(hessian.residual),
      formatNumber(hessian.smallest),
      formatNumber(mean(({ curvature }) => curvature)),
      formatPercent(mean(({ concave }) => concave)),
      formatNumber(mean(({ excessVariation }) => excessVariation)),
      formatPercent(pathPlane.explained.reduce((a, b) => a + b)),
    ];
  });
  const columns = [
    "kernel",
    "seed",
    "largest Hessian eigenvalue",
    "residual",
    "smallest found",
    "curvature on lines",
    "concave points",
    "excess variation",
    "path in the plane",
  ];
  return table("Loss around the trained models", columns, rows, {
    summary: true,
    note:
      "Eigenvalues: Ritz values of Lanczos; an eigenvalue lies within the residual of the largest. Lines: " +
      "along two random filter-normalised directions. " +
      "Curvature: root mean square of the second derivative. Excess variation: total variation beyond that " +
      "of a single valley. One model of each kernel, so no statement over seeds.",
  });
}

function answerOf(runs: readonly ClassifierRun[], positions: readonly number[], difficulty: string): string {
  if (runs.length === 0) return UNFINISHED;
  const means = [...byKernel(runs)].map(
    ([kernel, own]) => `${kernel} ${formatPercent(meanInterval(lastAccuracies(own)).mean)}`,
  );
  const baseline = formatPercent(meanInterval(positions).mean);
  return (
    `Test accuracy on ${difficulty} pictures: ${means.join(", ")} (chance 50.0 %; positions of the ` +
    `dots alone ${baseline}). ${statements(runs).join(" ")}`
  ).trim();
}

/** Tables and figures of the study. */
export function report(
  { positionsAccuracy, runs, landscapes }: PathfinderMeasurements,
  options: PathfinderOptions,
): Report {
  const { difficulty, picture, patch, train, test, batch, epochs, learningRate, layers, width, hidden, heads } =
    options;
  const complete = completeRuns(runs, epochs);
  const blocks: Block[] = [
    paragraph(
      `An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, mean pooling) ` +
        `reads ${picture.size} × ${picture.size} pictures in ` +
        `${(picture.size / patch) ** 2} patches of ${patch} × ${patch} pixels through a linear embedding; ` +
        `Adam, learning rate ${learningRate}, ${epochs} epochs of ` +
        `${train} pictures in batches of ${batch}; ${test} pictures to test on. For a seed every kernel has ` +
        "the same pictures, start and batches. " +
        "Nearest neighbours of the dots' positions alone, without the contours: " +
        `${positionsAccuracy.map(formatPercent).join(", ")} of test pictures.`,
    ),
    ...(complete.length === 0
      ? []
      : [accuracyTable(complete, { test, examples: "pictures", baseline: "Chance is 50 %." })]),
    ...statements(complete).map(paragraph),
    ...curveFigures(runs, "Pathfinder", "pictures"),
    ...monitorBlocks(runs),
    ...(landscapes.length === 0
      ? []
      : [heading("Loss landscapes"), landscapeTable(landscapes), ...landscapeFigures(landscapes)]),
  ];
  return { answer: answerOf(complete, positionsAccuracy, difficulty), blocks };
}

import { mean } from "../../numerics/averages.js";
import { meanInterval } from "../../numerics/mean-interval.js";
import { curveFigures } from "../comparison/figures.js";
import { monitorBlocks } from "../comparison/monitor.js";
import { rateTable, rateWords, type RatedRun } from "../comparison/rates.js";
import { byKernel, completeRuns, lastAccuracies, paired, UNFINISHED, type ClassifierRun } from "../comparison/runs.js";
import { accuracyTable, between, meanWithInterval, statements } from "../comparison/tables.js";
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
  /** Trainings on other seeds, from which the learning rates follow. */
  readonly trials: readonly RatedRun[];
  readonly runs: readonly RatedRun[];
  readonly landscapes: readonly Landscape[];
}

/** What is compared of a landscape: larger is sharper, or rougher. */
const measures: Readonly<Record<string, (landscape: Landscape) => number>> = {
  "largest Hessian eigenvalue": ({ hessian }) => hessian.largest,
  "curvature on lines": ({ lines }) => mean(lines.map(({ curvature }) => curvature)),
  "concave points": ({ lines }) => mean(lines.map(({ concave }) => concave)),
  "excess variation": ({ lines }) => mean(lines.map(({ excessVariation }) => excessVariation)),
};

function landscapeTable(landscapes: readonly Landscape[]): Table {
  const rows = landscapes.map((landscape) => [
    landscape.kernel,
    String(landscape.seed),
    ...Object.values(measures).map((measure) => formatNumber(measure(landscape))),
    formatNumber(landscape.hessian.residual),
    formatNumber(landscape.hessian.smallest),
    landscape.planes === undefined ? "–" : formatPercent(landscape.planes.path.explained.reduce((a, b) => a + b)),
  ]);
  const columns = ["kernel", "seed", ...Object.keys(measures), "residual", "smallest found", "path in the plane"];
  return table("Loss around the trained models", columns, rows, {
    note:
      "Eigenvalues: Ritz values of Lanczos; an eigenvalue lies within the residual of the largest. Lines: means over " +
      `${landscapes[0].lines.length} random filter-normalised directions. Curvature: root mean square of the second ` +
      "derivative. Concave points: their share. Excess variation: total variation beyond that of a single valley.",
  });
}

/** The measures of every kernel over seeds, and its difference to the first kernel. */
function sharpnessTable(landscapes: readonly Landscape[]): Table {
  const groups = [...byKernel(landscapes)];
  const [[reference]] = groups;
  const rows = Object.entries(measures).flatMap(([name, measure]) =>
    groups.map(([kernel, own]) => {
      const difference =
        kernel === reference
          ? undefined
          : paired(landscapes, kernel, reference, (first, second) => measure(first) - measure(second));
      return [
        name,
        kernel,
        meanWithInterval(own.map(measure), (value) => formatNumber(value)),
        difference === undefined
          ? "–"
          : `${formatNumber(difference.mean)} (${between(difference, (value) => formatNumber(value))})`,
      ];
    }),
  );
  return table("Sharpness and roughness over seeds", ["measure", "kernel", "mean", `minus ${reference}`], rows, {
    summary: true,
    note:
      "Means over seeds, and differences over paired seeds, with Student's 95 % intervals. Directions are the same " +
      "draws for every kernel of a seed.",
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

const stagesOf = ({ firstKernel, firstEpochs }: PathfinderOptions): string =>
  firstKernel === undefined
    ? ""
    : `In the first ${String(firstEpochs)} epochs ${firstKernel} is trained, at its rate. Then every kernel goes on ` +
      "from its weights, at its own rate. Trials have one stage. ";

/** Tables and figures of the study. */
export function report(
  { positionsAccuracy, trials, runs, landscapes }: PathfinderMeasurements,
  options: PathfinderOptions,
): Report {
  const { difficulty, picture, patch, train, test, batch, epochs, layers, width, hidden, heads } = options;
  const complete = completeRuns(runs, epochs);
  const tried = completeRuns(trials, epochs);
  const blocks: Block[] = [
    paragraph(
      `An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, mean pooling) ` +
        `reads ${picture.size} × ${picture.size} pictures in ` +
        `${(picture.size / patch) ** 2} patches of ${patch} × ${patch} pixels through a linear embedding; ` +
        `Adam, ${rateWords(options)}, ${epochs} epochs of ` +
        `${train} pictures in batches of ${batch}; ${test} pictures to test on. For a seed every kernel has ` +
        `the same pictures, start and batches. ${stagesOf(options)}` +
        (positionsAccuracy.length === 0
          ? ""
          : "Nearest neighbours of the dots' positions alone, without the contours: " +
            `${positionsAccuracy.map(formatPercent).join(", ")} of test pictures.`),
    ),
    ...(tried.length === 0 ? [] : [rateTable(tried, options, 2)]),
    ...(complete.length === 0
      ? []
      : [accuracyTable(complete, { test, examples: "pictures", baseline: "Chance is 50 %." })]),
    ...statements(complete).map(paragraph),
    ...curveFigures(runs, "Pathfinder", "pictures"),
    ...monitorBlocks(runs),
    ...(landscapes.length === 0
      ? []
      : [
          heading("Loss landscapes"),
          sharpnessTable(landscapes),
          ...landscapeFigures(landscapes),
          landscapeTable(landscapes),
        ]),
  ];
  return { answer: answerOf(complete, positionsAccuracy, difficulty), blocks };
}

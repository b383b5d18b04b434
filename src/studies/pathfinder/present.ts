import { meanInterval } from "../../numerics/mean-interval.js";
import { curveFigures } from "../comparison/figures.js";
import { byKernel, completeRuns, lastAccuracies } from "../comparison/runs.js";
import type { ClassifierRun } from "../comparison/runs.js";
import { accuracyTable, statements } from "../comparison/tables.js";
import { formatNumber, formatPercent, type Block, type Presentation, type Table } from "../report/presentation.js";
import type { Results } from "../runner/study.js";
import type { PathfinderConfiguration } from "./configuration.js";
import { landscapeFigures, samplesFigure } from "./figures.js";
import type { Landscape } from "./landscapes.js";
import type { PathfinderMeasurements } from "./measurements.js";

type PathfinderResults = Results<PathfinderConfiguration, PathfinderMeasurements>;

function landscapeTable(landscapes: readonly Landscape[]): Table {
  return {
    kind: "table",
    title: "Loss around the trained models",
    summary: true,
    columns: ["kernel", "seed", "largest Hessian eigenvalue", "residual", "smallest found", "curvature on lines", "concave points", "excess variation", "path in the plane"],
    rows: landscapes.map(({ kernel, seed, hessian, lines, pathPlane }) => {
      const mean = (value: (line: (typeof lines)[number]) => number): number => lines.reduce((sum, line) => sum + value(line), 0) / lines.length;
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
    }),
    note:
      "Eigenvalues: Ritz values of Lanczos; an eigenvalue lies within the residual of the largest. Lines: along two random filter-normalised directions; " +
      "curvature is the root mean square of the second derivative, excess variation what goes up and down beyond one valley. One model of each kernel: no statement over seeds.",
  };
}

function answer(results: PathfinderResults, runs: readonly ClassifierRun[]): string {
  const { measurements, configuration } = results;
  if (!measurements) return configuration.seeds === 0 ? "Samples drawn; nothing was trained." : "The study was stopped before its first result.";
  if (runs.length === 0) return "The study was stopped before a model was trained to its end.";
  const means = [...byKernel(runs)].map(([kernel, own]) => `${kernel} ${formatPercent(meanInterval(lastAccuracies(own)).mean)}`);
  const baseline = meanInterval(measurements.distanceAccuracy).mean;
  return `Test accuracy on ${configuration.difficulty} pictures: ${means.join(", ")} (chance 50.0 %; the distance of the dots alone ${formatPercent(baseline)}). ${statements(runs).join(" ")}`.trim();
}

/** Tables and figures of the study, from its results alone. */
export function present(results: PathfinderResults): Presentation {
  const { measurements, configuration, seed } = results;
  const { picture, patch, train, test, batch, epochs, learningRate, layers, width, hidden, heads } = configuration;
  const blocks: Block[] = [];
  const runs = measurements ? completeRuns(measurements.runs, configuration.epochs) : [];
  if (measurements && measurements.runs.length > 0) {
    blocks.push({
      kind: "paragraph",
      text:
        `An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, mean pooling) reads ${picture.size} × ${picture.size} pictures in ` +
        `${(picture.size / patch) ** 2} patches of ${patch} × ${patch} pixels through a linear embedding; Adam, learning rate ${learningRate}, ${epochs} epochs of ` +
        `${train} pictures in batches of ${batch}; ${test} pictures to test on. For a seed every kernel has the same pictures, start and batches. ` +
        `Best threshold on the distance of the dots alone: ${measurements.distanceAccuracy.map(formatPercent).join(", ")} of test pictures.`,
    });
    if (runs.length > 0) blocks.push(accuracyTable(runs, { test, examples: "pictures", baseline: "Chance is 50 %." }));
    blocks.push(...statements(runs).map((text): Block => ({ kind: "paragraph", text })), ...curveFigures(measurements.runs, "Pathfinder", "pictures"));
    if (measurements.landscapes.length > 0) {
      blocks.push({ kind: "heading", text: "Loss landscapes" }, landscapeTable(measurements.landscapes), ...landscapeFigures(measurements.landscapes));
    }
  }
  blocks.push({ kind: "heading", text: "Pictures" }, samplesFigure(32, seed), samplesFigure(128, seed));
  return { title: "Pathfinder: softmax and Gaussian attention on connected dots", answer: answer(results, runs), blocks };
}

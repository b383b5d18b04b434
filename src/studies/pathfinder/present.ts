import { meanInterval, type MeanInterval } from "../../analysis/mean-interval.js";
import { proportion } from "../../theory/proportion.js";
import { formatNumber, formatPercent, type Block, type Presentation, type Table } from "../report/presentation.js";
import type { Results } from "../study.js";
import type { PathfinderConfiguration } from "./configuration.js";
import { byKernel, curveFigures, landscapeFigures, samplesFigure } from "./figures.js";
import type { Landscape } from "./landscapes.js";
import type { PathfinderMeasurements, PathfinderRun } from "./measurements.js";

type PathfinderResults = Results<PathfinderConfiguration, PathfinderMeasurements>;

const lastAccuracy = ({ epochs }: PathfinderRun): number => epochs[epochs.length - 1].testAccuracy;

function between({ low, high, count }: MeanInterval, format: (value: number) => string): string {
  return count < 2 ? "unknown from one seed" : `${format(low)} to ${format(high)}`;
}

const points = (difference: number): string => `${difference < 0 ? "−" : "+"}${Math.abs(100 * difference).toFixed(1)}`;

/** Runs that reached the last epoch. */
const complete = (runs: readonly PathfinderRun[], { epochs }: PathfinderConfiguration): PathfinderRun[] => runs.filter((run) => run.epochs.length === epochs);

function accuracyTable(runs: readonly PathfinderRun[], { test }: PathfinderConfiguration): Table {
  return {
    kind: "table",
    title: "Test accuracy after the last epoch",
    summary: true,
    columns: ["kernel", "seeds", "mean", "95 % interval of the mean", "pictures", "95 % interval of the share", "train loss"],
    rows: [...byKernel(runs)].map(([kernel, own]) => {
      const mean = meanInterval(own.map(lastAccuracy));
      const all = proportion(Math.round(own.reduce((sum, run) => sum + lastAccuracy(run), 0) * test), own.length * test);
      const loss = meanInterval(own.map(({ epochs }) => epochs[epochs.length - 1].trainLoss)).mean;
      return [
        kernel,
        own.map(({ seed }) => seed).join(", "),
        formatPercent(mean.mean),
        between(mean, formatPercent),
        `${all.successes} of ${all.trials}`,
        all.interval.map(formatPercent).join(" to "),
        loss.toFixed(4),
      ];
    }),
    note:
      "The interval of the mean (Student) holds for new pictures and new starts, and needs normal accuracies; that of the share (Wilson) " +
      "holds for new pictures of these models. Chance is 50 %.",
  };
}

/** Differences of accuracy between two kernels, seed by seed. */
export function pairedDifference(runs: readonly PathfinderRun[], first: string, second: string): MeanInterval | undefined {
  const of = (kernel: string, seed: number) => runs.find((run) => run.kernel === kernel && run.seed === seed);
  const differences = [...new Set(runs.map(({ seed }) => seed))].flatMap((seed) => {
    const [a, b] = [of(first, seed), of(second, seed)];
    return a && b ? [lastAccuracy(a) - lastAccuracy(b)] : [];
  });
  return differences.length === 0 ? undefined : meanInterval(differences);
}

/** The comparison of every kernel with the first, in words. */
function statements(runs: readonly PathfinderRun[]): string[] {
  const [reference, ...others] = byKernel(runs).keys();
  return others.flatMap((kernel) => {
    const difference = pairedDifference(runs, kernel, reference);
    if (!difference) return [];
    const { mean, low, high, count } = difference;
    const verdict =
      count < 2 ? "one seed says nothing about others" : low > 0 ? `${kernel} is better` : high < 0 ? `${reference} is better` : "these seeds do not tell them apart";
    return [`${kernel} minus ${reference}: ${points(mean)} points of accuracy (95 % interval ${between(difference, points)}, ${count} paired seeds): ${verdict}.`];
  });
}

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

function answer(results: PathfinderResults, runs: readonly PathfinderRun[]): string {
  const { measurements, configuration } = results;
  if (!measurements) return configuration.seeds === 0 ? "Samples drawn; nothing was trained." : "The study was stopped before its first result.";
  if (runs.length === 0) return "The study was stopped before a model was trained to its end.";
  const means = [...byKernel(runs)].map(([kernel, own]) => `${kernel} ${formatPercent(meanInterval(own.map(lastAccuracy)).mean)}`);
  const baseline = meanInterval(measurements.distanceAccuracy).mean;
  return `Test accuracy on ${configuration.difficulty} pictures: ${means.join(", ")} (chance 50.0 %; the distance of the dots alone ${formatPercent(baseline)}). ${statements(runs).join(" ")}`.trim();
}

/** Tables and figures of the study, from its results alone. */
export function present(results: PathfinderResults): Presentation {
  const { measurements, configuration, seed } = results;
  const { picture, patch, train, test, batch, epochs, learningRate, layers, width, hidden, heads } = configuration;
  const blocks: Block[] = [];
  const runs = measurements ? complete(measurements.runs, configuration) : [];
  if (measurements && measurements.runs.length > 0) {
    blocks.push({
      kind: "paragraph",
      text:
        `An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, mean pooling) reads ${picture.size} × ${picture.size} pictures in ` +
        `${(picture.size / patch) ** 2} patches of ${patch} × ${patch} pixels through a linear embedding; Adam, learning rate ${learningRate}, ${epochs} epochs of ` +
        `${train} pictures in batches of ${batch}; ${test} pictures to test on. For a seed every kernel has the same pictures, start and batches. ` +
        `Best threshold on the distance of the dots alone: ${measurements.distanceAccuracy.map(formatPercent).join(", ")} of test pictures.`,
    });
    if (runs.length > 0) blocks.push(accuracyTable(runs, configuration));
    blocks.push(...statements(runs).map((text): Block => ({ kind: "paragraph", text })), ...curveFigures(measurements.runs));
    if (measurements.landscapes.length > 0) {
      blocks.push({ kind: "heading", text: "Loss landscapes" }, landscapeTable(measurements.landscapes), ...landscapeFigures(measurements.landscapes));
    }
  }
  blocks.push({ kind: "heading", text: "Pictures" }, samplesFigure(32, seed), samplesFigure(128, seed));
  return { title: "Pathfinder: softmax and Gaussian attention on connected dots", answer: answer(results, runs), blocks };
}

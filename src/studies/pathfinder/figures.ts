import { meanInterval } from "../../analysis/mean-interval.js";
import { random } from "../../core/random.js";
import { contourPlot, surfacePlot } from "../report/landscape.js";
import { linePlot, palette, type Series } from "../report/lines.js";
import { pictureGrid } from "../report/picture.js";
import type { Figure } from "../report/presentation.js";
import { difficulties } from "./difficulty.js";
import type { Landscape } from "./landscapes.js";
import type { PathfinderRun } from "./measurements.js";
import { render } from "./render.js";
import { pathfinderScene, type PathfinderOptions } from "./scene.js";

const colors = Object.values(palette);

/** Two connected pictures and two others of every kind of one size, drawn from the seed. */
export function samplesFigure(size: number, seed: number): Figure {
  const kinds = Object.entries<PathfinderOptions>(difficulties).filter(([, options]) => options.size === size);
  const pictures = kinds.flatMap(([name, options]) => {
    const source = random(seed);
    return [true, false, true, false].map((connected) => ({
      size,
      levels: render(pathfinderScene(options, connected, source)),
      caption: `${name}: ${connected ? "connected" : "not connected"}`,
    }));
  });
  const title = `Pathfinder, ${size} × ${size} pixels`;
  const caption = `Two dots, two dashed paths and distractors; do the dots lie on one path? Kinds: ${kinds.map(([name]) => name).join(", ")}.`;
  return { kind: "figure", name: `samples-${size}`, title, svg: pictureGrid(pictures, title), caption, device: "the host" };
}

/** Runs of every kernel, in order of appearance. */
export function byKernel(runs: readonly PathfinderRun[]): Map<string, PathfinderRun[]> {
  const groups = new Map<string, PathfinderRun[]>();
  for (const run of runs) groups.set(run.kernel, [...(groups.get(run.kernel) ?? []), run]);
  return groups;
}

/** The mean over seeds of one number of every epoch, with Student's interval where there are seeds enough. */
function band(runs: readonly PathfinderRun[], label: string, color: string, values: (run: PathfinderRun) => readonly number[]): Series {
  const rows = runs.map(values);
  const epochs = Math.min(...rows.map((row) => row.length));
  const means = Array.from({ length: epochs }, (_, epoch) => meanInterval(rows.map((row) => row[epoch])));
  const line = { label, color, x: means.map((_, epoch) => epoch + 1), y: means.map(({ mean }) => mean) };
  return runs.length < 2 ? line : { ...line, band: { low: means.map(({ low }) => low), high: means.map(({ high }) => high) } };
}

const BAND = "Mean over seeds; the band is Student's 95 % interval of the mean.";

export function curveFigures(runs: readonly PathfinderRun[]): Figure[] {
  const groups = [...byKernel(runs)];
  const draw = (values: (run: PathfinderRun) => readonly number[]): Series[] => groups.map(([kernel, own], index) => band(own, kernel, colors[index % colors.length], values));
  const [accuracy, loss] = ["Pathfinder: test accuracy over epochs", "Pathfinder: training loss over epochs"];
  return [
    {
      kind: "figure",
      name: "accuracy",
      title: accuracy,
      svg: linePlot(draw(({ epochs }) => epochs.map(({ testAccuracy }) => testAccuracy)), { title: accuracy, xLabel: "epoch", yLabel: "test accuracy (%)", percent: true, dots: true }),
      caption: `Share of held-out pictures classified correctly. ${BAND}`,
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

export function landscapeFigures(landscapes: readonly Landscape[]): Figure[] {
  const random = landscapes.map(({ kernel, randomPlane }) => ({ name: kernel, surface: randomPlane }));
  const path = landscapes.map(({ kernel, pathPlane }) => ({ name: kernel, surface: pathPlane, path: pathPlane.path }));
  const titles = ["Loss around the model, random directions", "Loss on the plane of the training path"];
  const filters = "Cross-entropy on held-out pictures; two random directions, filter-normalised (arXiv 1712.09913), the same draws for every kernel.";
  const principal = "Cross-entropy on held-out pictures; the first two principal directions of the training path, which is the line with dots; the model is the large dot.";
  const figure = (name: string, title: string, svg: string, caption: string): Figure => ({ kind: "figure", name, title, svg, caption });
  return [
    figure("landscape-random-contour", titles[0], contourPlot(random, { title: titles[0], xLabel: "first direction", yLabel: "second direction" }), filters),
    figure("landscape-random-surface", titles[0], surfacePlot(random, titles[0]), filters),
    figure("landscape-path-contour", titles[1], contourPlot(path, { title: titles[1], xLabel: "first principal direction", yLabel: "second" }), principal),
    figure("landscape-path-surface", titles[1], surfacePlot(path, titles[1]), principal),
  ];
}

import { random } from "../../core/random.js";
import { figure, type Figure } from "../report/report.js";
import { difficulties } from "./difficulty.js";
import type { Landscape } from "./landscapes.js";
import { render } from "./render.js";
import { pathfinderScene, type PathfinderOptions } from "./scene.js";

/** Two connected and two unconnected pictures of every kind of one size, drawn from the seed. */
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
  const caption =
    "Two dots, two dashed paths and distractors; do the dots lie on one path? Kinds: " +
    `${kinds.map(([name]) => name).join(", ")}.`;
  return figure(
    `samples-${size}`,
    `Pathfinder, ${size} × ${size} pixels`,
    { kind: "pictures", pictures },
    caption,
    "the host",
  );
}

export function landscapeFigures(landscapes: readonly Landscape[]): Figure[] {
  const random = landscapes.map(({ kernel, randomPlane }) => ({ name: kernel, surface: randomPlane }));
  const path = landscapes.map(({ kernel, pathPlane }) => ({ name: kernel, surface: pathPlane, path: pathPlane.path }));
  const titles = ["Loss around the model, random directions", "Loss on the plane of the training path"];
  const filters =
    "Cross-entropy on held-out pictures; two random directions, filter-normalised (arXiv 1712.09913), the " +
    "same draws for every kernel.";
  const principal =
    "Cross-entropy on held-out pictures; the first two principal directions of the training path, which " +
    "is the line with dots; the model is the large dot.";
  return [
    figure(
      "landscape-random-contour",
      titles[0],
      { kind: "contours", panels: random, xLabel: "first direction", yLabel: "second direction" },
      filters,
    ),
    figure("landscape-random-surface", titles[0], { kind: "surfaces", panels: random }, filters),
    figure(
      "landscape-path-contour",
      titles[1],
      { kind: "contours", panels: path, xLabel: "first principal direction", yLabel: "second" },
      principal,
    ),
    figure("landscape-path-surface", titles[1], { kind: "surfaces", panels: path }, principal),
  ];
}

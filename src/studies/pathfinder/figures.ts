import { random } from "../../core/random.js";
import { figure, type Figure } from "../report/report.js";
import { kinds } from "./kinds.js";
import type { Landscape } from "./landscapes.js";
import { render } from "./render.js";
import { sceneOf, sketchPairs } from "./pictures.js";

/** A connected and an unconnected picture of every kind, drawn from the seed; a figure for each size. */
export function samplesFigures(seed: number): Figure[] {
  const all = Object.entries(kinds);
  return [...new Set(all.map(([, { size }]) => size))].map((size) => {
    const own = all.filter(([, options]) => options.size === size);
    const pictures = own.flatMap(([name, options]) => {
      // balance changes which dots are frequent, not what a picture looks like
      const source = random(seed);
      const pair = sketchPairs({ ...options, balance: Infinity }, source).next().value;
      return pair.map((sketch) => ({
        size,
        levels: render(sceneOf(options, sketch, source)),
        caption: `${name}: ${sketch.connected ? "connected" : "not connected"}`,
      }));
    });
    const caption =
      "Two dots, two dashed contours and distractors; do the dots lie on one contour? Kinds: " +
      `${own.map(([name]) => name).join(", ")}.`;
    const title = `Pathfinder, ${size} × ${size} pixels`;
    return figure(`samples-${size}`, title, { kind: "pictures", pictures }, caption, "the host");
  });
}

export function landscapeFigures(landscapes: readonly Landscape[]): Figure[] {
  const drawn = landscapes.flatMap(({ kernel, planes }) => (planes === undefined ? [] : { kernel, ...planes }));
  if (drawn.length === 0) return [];
  const random = drawn.map(({ kernel, random: surface }) => ({ name: kernel, surface }));
  const path = drawn.map(({ kernel, path: surface }) => ({ name: kernel, surface, path: surface.path }));
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

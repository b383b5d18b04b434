import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Surface } from "../../analysis/landscape.js";
import { element, SVG } from "./lines.js";
import { toSvg } from "./markup.js";
import { emptySvg } from "./picture.js";

/** One named surface. */
export interface Panel {
  readonly name: string;
  readonly surface: Surface;
  /** Points of a path on the plane, in order. */
  readonly path?: readonly (readonly [number, number])[];
}

const WIDTH = 720;
const PANEL_HEIGHT = 300;
const HEADER = 44;
const LEVELS = 14;

/** Lowest and highest finite loss of all panels, so that colours and heights are comparable. */
function range(panels: readonly Panel[]): [number, number] {
  const losses = panels.flatMap(({ surface }) => surface.losses.filter(Number.isFinite));
  return [Math.min(...losses), Math.max(...losses)];
}

/** Bounds of a grid of cells that are centred at the points. */
function cells(points: readonly number[], axis: "x" | "y"): Record<string, number> {
  const half = (points[1] - points[0]) / 2;
  return { [`${axis}1`]: points[0] - half, [`${axis}2`]: points[points.length - 1] + half };
}

/**
 * A stand-alone SVG of contour lines, panels side by side with the same levels. A dot is the model, a line the path to
 * it.
 */
export function contourPlot(
  panels: readonly Panel[],
  { xLabel, yLabel }: { readonly xLabel: string; readonly yLabel: string },
  title: string,
): string {
  const { document, svg } = emptySvg(title, WIDTH, HEADER + PANEL_HEIGHT);
  const [low, high] = range(panels);
  // the lowest level lies just below every loss, so that the ground is filled too
  const thresholds = Array.from(
    { length: LEVELS },
    (_, level) => low + ((high - low) * (level === 0 ? -1e-6 : level)) / LEVELS,
  );
  const width = WIDTH / panels.length;
  panels.forEach(({ name, surface: { x, y, losses }, path }, index) => {
    const { document: own } = parseHTML("<html><body></body></html>") as unknown as { document: Document };
    const plot = Plot.plot({
      document: own,
      width,
      height: PANEL_HEIGHT,
      marginLeft: 48,
      marginBottom: 36,
      style: { fontSize: "11px" },
      x: { label: xLabel, labelAnchor: "center", labelArrow: "none", ticks: 5 },
      y: { label: yLabel, labelAnchor: "center", labelArrow: "none", ticks: 5 },
      color: { scheme: "Viridis", domain: [low, high] },
      marks: [
        Plot.contour(
          y.flatMap((_, row) => x.map((_, column) => losses[column * y.length + row])),
          {
            width: x.length,
            height: y.length,
            ...cells(x, "x"),
            ...cells(y, "y"),
            fill: (loss: number) => loss,
            thresholds,
            stroke: "#ffffff",
            strokeWidth: 0.5,
          },
        ),
        ...(path
          ? [Plot.line(path, { stroke: "#ffffff", strokeWidth: 1.5 }), Plot.dot(path, { fill: "#ffffff", r: 2 })]
          : []),
        Plot.dot([[0, 0]], { fill: "#D55E00", r: 4 }),
      ],
    });
    plot.setAttribute("xmlns", SVG);
    plot.setAttribute("x", String(index * width));
    plot.setAttribute("y", String(HEADER));
    svg.append(
      element(
        document,
        "text",
        { x: index * width + 48, y: HEADER - 6 },
        `${name}: loss ${low.toPrecision(3)} to ${high.toPrecision(3)} (dark to bright)`,
      ),
    );
    svg.append(document.importNode(plot, true));
  });
  return toSvg(svg);
}

/** Rotation of the plane, in radians, in the view of surfaces. */
const TURN = Math.PI / 5;
/** Sine of the elevation of the view. */
const ELEVATION = 0.5;

/**
 * A stand-alone SVG of surfaces as meshes seen from above, drawn from the farthest patch on, with heights on one scale.
 */
export function surfacePlot(panels: readonly Panel[], title: string): string {
  const { document, svg } = emptySvg(title, WIDTH, HEADER + PANEL_HEIGHT);
  const [low, high] = range(panels);
  const width = WIDTH / panels.length;
  const scale = Math.min(width, PANEL_HEIGHT) / 1.7;
  panels.forEach(({ name, surface: { x, y, losses } }, index) => {
    const corner = (
      column: number,
      row: number,
    ): { readonly at: string; readonly depth: number; readonly height: number } => {
      const [u, v] = [column / (x.length - 1) - 0.5, row / (y.length - 1) - 0.5];
      const [across, depth] = [u * Math.cos(TURN) - v * Math.sin(TURN), u * Math.sin(TURN) + v * Math.cos(TURN)];
      const height = (losses[column * y.length + row] - low) / (high - low || 1);
      const [left, down] = [
        (index + 0.5) * width + scale * across,
        HEADER + 0.72 * PANEL_HEIGHT - scale * (ELEVATION * depth + 0.6 * height),
      ];
      return { at: `${left.toFixed(1)},${down.toFixed(1)}`, depth, height };
    };
    const faces = x.slice(1).flatMap((_, column) =>
      y.slice(1).map((_, row) => {
        const corners = [
          corner(column, row),
          corner(column + 1, row),
          corner(column + 1, row + 1),
          corner(column, row + 1),
        ];
        const mean = (value: (own: (typeof corners)[number]) => number): number =>
          corners.reduce((sum, own) => sum + value(own), 0) / 4;
        return {
          points: corners.map(({ at }) => at).join(" "),
          depth: mean(({ depth }) => depth),
          height: mean(({ height }) => height),
        };
      }),
    );
    svg.append(
      element(
        document,
        "text",
        { x: index * width + 16, y: HEADER - 6 },
        `${name}: heights ${low.toPrecision(3)} to ${high.toPrecision(3)}`,
      ),
    );
    for (const { points, height } of faces
      .filter((face) => Number.isFinite(face.height))
      .sort((a, b) => b.depth - a.depth)) {
      svg.append(
        element(document, "polygon", {
          points,
          fill: `hsl(${(220 - 170 * height).toFixed(0)},65%,${(38 + 30 * height).toFixed(0)}%)`,
          stroke: "#ffffff",
          "stroke-width": 0.5,
        }),
      );
    }
  });
  return toSvg(svg);
}

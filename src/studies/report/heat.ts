import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { toSvg } from "./markup.js";

/** One cell of a heat map, with its text. */
export interface Cell {
  readonly x: string;
  readonly y: string;
  /** From 0 to 1. */
  readonly value: number;
  readonly text: string;
}

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 720;
const ROW_HEIGHT = 44;
const MARGIN_TOP = 64;
/** Above this value a cell is dark and gets light text. */
const DARK = 0.6;

/** A stand-alone SVG of cells coloured by value, with rows and columns in order of appearance. */
export function heatMap(cells: readonly Cell[], label: string, title: string): string {
  const { document } = parseHTML("<html><body></body></html>") as unknown as { document: Document };
  const rows = [...new Set(cells.map(({ y }) => y))];
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: MARGIN_TOP + ROW_HEIGHT * rows.length + 16,
    marginTop: MARGIN_TOP,
    marginLeft: 140,
    padding: 0.04,
    style: { fontSize: "12px" },
    x: { axis: "top", label: null, domain: [...new Set(cells.map(({ x }) => x))] },
    y: { label: null, domain: rows },
    color: { scheme: "Blues", domain: [0, 1], label },
    marks: [
      Plot.cell(cells, { x: "x", y: "y", fill: "value", stroke: "#9aa5b1" }),
      Plot.text(cells, {
        x: "x",
        y: "y",
        text: "text",
        fill: (cell: Cell) => (cell.value > DARK ? "#ffffff" : "#1a1a1a"),
      }),
    ],
  });
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const heading = document.createElementNS(SVG, "text");
  for (const [name, value] of Object.entries({
    x: "8",
    y: "18",
    "font-size": "14",
    "font-weight": "600",
    "text-anchor": "start",
  }))
    heading.setAttribute(name, value);
  heading.textContent = title;
  const background = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ width: "100%", height: "100%", fill: "#ffffff" }))
    background.setAttribute(name, value);
  svg.prepend(background);
  svg.append(heading);
  return toSvg(svg);
}

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { toSvg } from "./markup.js";

/** One line of a plot; lines with the same facet share a panel. */
export interface Series {
  readonly label: string;
  /** Its entry in the legend, which lines may share. Default the label. */
  readonly legend?: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** A band around the line. */
  readonly band?: { readonly low: readonly number[]; readonly high: readonly number[] };
  readonly color: string;
  readonly dashed?: boolean;
  readonly facet?: string;
}

/** Lines and their axes. */
export interface Lines {
  readonly series: readonly Series[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** Logarithmic y axis; leaves out values that are not positive. */
  readonly logarithmic?: boolean;
  /** Logarithmic x axis; leaves out positions that are not positive. */
  readonly logarithmicX?: boolean;
  readonly percent?: boolean;
  /** Draws a dot at every point. */
  readonly dots?: boolean;
}

/** Colours that colour-blind people can distinguish (Okabe and Ito). */
export const palette = {
  blue: "#0072B2",
  orange: "#D55E00",
  green: "#009E73",
  purple: "#CC79A7",
  grey: "#666666",
} as const;

const WIDTH = 720;
const HEIGHT = 340;
const LEGEND_HEIGHT = 24;
const TITLE_HEIGHT = 22;
export const SVG = "http://www.w3.org/2000/svg";
/** Mean advance of a 12 px sans-serif character, for the legend's spacing. */
const CHARACTER_WIDTH = 6.6;

interface Point {
  readonly x: number;
  readonly y: number;
  readonly line: string;
  readonly facet: string;
}

function points(series: readonly Series[], logarithmic: boolean, logarithmicX: boolean): Point[] {
  return series.flatMap(({ label, facet = "", x, y }) =>
    x.flatMap((position, index) => {
      const value = y[index];
      return Number.isFinite(value) && (!logarithmic || value > 0) && (!logarithmicX || position > 0)
        ? [{ x: position, y: value, line: label, facet }]
        : [];
    }),
  );
}

/** An SVG element with its attributes. */
export function element(
  document: Document,
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  text = "",
): Element {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = text;
  return made;
}

/** Adds title and legend to the picture, so that the file stands alone. */
function addHeader(document: Document, svg: Element, title: string, series: readonly Series[]): void {
  const header = element(document, "g", { "text-anchor": "start", "font-size": 12 });
  header.append(element(document, "text", { x: 8, y: 16, "font-size": 14, "font-weight": 600 }, title));
  let x = 8;
  for (const [label, { color, dashed }] of new Map(series.map((line) => [line.legend ?? line.label, line]))) {
    const y = TITLE_HEIGHT + 10;
    const dash = dashed ? "4 3" : "none";
    header.append(
      element(document, "line", {
        x1: x,
        x2: x + 20,
        y1: y,
        y2: y,
        stroke: color,
        "stroke-width": 2,
        "stroke-dasharray": dash,
      }),
    );
    header.append(element(document, "text", { x: x + 25, y: y + 4 }, label));
    x += 45 + label.length * CHARACTER_WIDTH;
  }
  svg.prepend(element(document, "rect", { width: WIDTH, height: HEIGHT, fill: "#ffffff" }));
  svg.append(header);
}

/** The most places that are labelled where every point is. */
const MOST_LABELS = 12;

/** Every place, or every second, third, ... of many. */
function thinned(places: readonly number[]): number[] {
  const step = Math.ceil(places.length / MOST_LABELS);
  return places.filter((_, at) => at % step === 0);
}

/** A stand-alone SVG of lines, in panels side by side if the series have facets. */
export function linePlot(
  { series, xLabel, yLabel, logarithmic = false, logarithmicX = false, percent = false, dots = false }: Lines,
  title: string,
): string {
  const { document } = parseHTML("<html><body></body></html>") as unknown as { document: Document };
  const data = points(series, logarithmic, logarithmicX);
  const faceted = new Set(data.map((point) => point.facet)).size > 1;
  const channels = { x: "x", y: "y", z: "line", ...(faceted ? { fx: "facet" } : {}) };
  const marks = [Plot.frame({ stroke: "#cccccc" })];
  for (const [label, { color, dashed }] of new Map(series.map((line) => [line.label, line]))) {
    const own = data.filter((point) => point.line === label);
    const bands = series.flatMap((line) =>
      line.label === label && line.band
        ? line.x.map((x, index) => ({
            x,
            low: line.band!.low[index],
            high: line.band!.high[index],
            line: label,
            facet: line.facet ?? "",
          }))
        : [],
    );
    if (bands.length > 0)
      marks.push(
        Plot.areaY(bands, {
          x: "x",
          y1: "low",
          y2: "high",
          z: "line",
          ...(faceted ? { fx: "facet" } : {}),
          fill: color,
          fillOpacity: 0.18,
        }),
      );
    marks.push(
      Plot.lineY(own, { ...channels, stroke: color, strokeWidth: 1.8, ...(dashed ? { strokeDasharray: "4 3" } : {}) }),
    );
    if (dots) marks.push(Plot.dot(own, { ...channels, fill: color, r: 3 }));
  }
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginTop: TITLE_HEIGHT + LEGEND_HEIGHT + 24,
    marginLeft: 64,
    marginBottom: 40,
    style: { fontSize: "11px" },
    x: {
      label: xLabel,
      ticks: dots ? thinned([...new Set(data.map((point) => point.x))]) : faceted ? 3 : 6,
      labelAnchor: "center",
      labelArrow: "none",
      ...(dots ? { tickFormat: String } : {}),
      ...(logarithmicX ? { type: "log" as const, tickFormat: "~s" } : {}),
    },
    y: {
      label: yLabel,
      labelAnchor: "center",
      labelArrow: "none",
      grid: true,
      ticks: 6,
      ...(logarithmic ? { type: "log" as const, tickFormat: "~e" } : {}),
      ...(percent ? { percent: true } : {}),
    },
    fx: { label: null, padding: 0.12, domain: [...new Set(series.map((line) => line.facet ?? ""))] },
    marks,
  });
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  addHeader(document, svg, title, series);
  return toSvg(svg);
}

import { parseHTML } from "linkedom";
import { element, SVG } from "./lines.js";
import { toSvg } from "./markup.js";

/** An empty stand-alone SVG with a title on a white background. */
export function emptySvg(
  title: string,
  width: number,
  height: number,
): { readonly document: Document; readonly svg: Element } {
  const { document } = parseHTML("<html><body></body></html>") as unknown as { document: Document };
  const svg = element(document, "svg", {
    xmlns: SVG,
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": title,
    "font-family": "system-ui, sans-serif",
    "font-size": 12,
  });
  svg.append(element(document, "rect", { width, height, fill: "#ffffff" }));
  svg.append(element(document, "text", { x: 8, y: 18, "font-size": 14, "font-weight": 600 }, title));
  return { document, svg };
}

/** A square picture of grey levels 0 to 255, with a line of text below it. */
export interface GreyPicture {
  readonly size: number;
  readonly levels: Uint8Array;
  readonly caption: string;
}

const CELL = 172;
const IMAGE = 160;
const PER_ROW = 4;
const CAPTION_HEIGHT = 22;
/** Number of drawn grey levels: more cannot be told apart, and each costs a path. */
const SHADES = 8;

/** A stand-alone SVG of pictures in rows; a run of equal pixels is one rectangle. */
export function pictureGrid(pictures: readonly GreyPicture[], title: string): string {
  const rows = Math.ceil(pictures.length / PER_ROW);
  const top = 30;
  const { document, svg } = emptySvg(title, PER_ROW * CELL + 8, top + rows * (IMAGE + CAPTION_HEIGHT + 8));
  pictures.forEach(({ size, levels, caption }, index) => {
    const [x, y] = [8 + (index % PER_ROW) * CELL, top + Math.floor(index / PER_ROW) * (IMAGE + CAPTION_HEIGHT + 8)];
    const group = element(document, "g", {
      transform: `translate(${x} ${y}) scale(${IMAGE / size})`,
      "shape-rendering": "crispEdges",
    });
    group.append(element(document, "rect", { width: size, height: size, fill: "#000000" }));
    const shade = (place: number): number => Math.round((levels[place] / 255) * SHADES);
    const outlines = Array.from({ length: SHADES + 1 }, () => "");
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size;) {
        const own = shade(row * size + column);
        let end = column + 1;
        while (end < size && shade(row * size + end) === own) end++;
        outlines[own] += `M${column} ${row}h${end - column}v1h${column - end}z`;
        column = end;
      }
    }
    outlines.forEach((d, own) => {
      const grey = Math.round((255 * own) / SHADES);
      if (own > 0 && d !== "") group.append(element(document, "path", { d, fill: `rgb(${grey},${grey},${grey})` }));
    });
    svg.append(group);
    svg.append(element(document, "text", { x, y: y + IMAGE + 15 }, caption));
  });
  return toSvg(svg);
}

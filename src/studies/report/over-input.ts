import { encode } from "fast-png";
import { element, palette } from "./lines.js";
import { toSvg } from "./markup.js";
import { emptySvg } from "./picture.js";

/** A picture, or the tokens of a text, on which numbers of tokens are drawn. */
export type DrawnInput =
  | {
      readonly kind: "picture";
      readonly width: number;
      readonly height: number;
      /** Grey levels 0 to 255, row by row. */
      readonly levels: readonly number[];
      /** Patches along a row and along a column. */
      readonly patches: readonly [across: number, down: number];
      /** Tokens that stand before those of the patches. */
      readonly special: number;
    }
  | { readonly kind: "text"; readonly tokens: readonly string[] };

/** Numbers of every token, one row a name, under one caption. */
export interface OverlayPanel {
  readonly caption: string;
  readonly rows: readonly { readonly name: string; readonly values: readonly number[] }[];
}

export interface Overlay {
  readonly input: DrawnInput;
  readonly panels: readonly OverlayPanel[];
}

const WIDTH = 720;
const TOP = 30;
const LINE = 20;
const MARGIN = 8;
/** Side of a drawn picture, and of a special token. */
const [SIDE, SMALL] = [160, 14];
/** Width of the names before lines of tokens. */
const NAMES = 56;
/** Mean advance of a 12 px sans-serif character. */
const CHARACTER = 7.2;
/** Opacity of the largest number. */
const OPAQUE = 0.8;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The colour of a number among `values`: orange above 0, blue below. */
const fillOf = (value: number, values: readonly number[]) => ({
  fill: value < 0 ? palette.blue : palette.orange,
  "fill-opacity": Number(((OPAQUE * Math.abs(value)) / Math.max(...values.map(Math.abs), Number.MIN_VALUE)).toFixed(3)),
});

/** The boxes of a line of tokens, broken where it ends. */
function boxesOf(tokens: readonly string[]): { readonly boxes: readonly Box[]; readonly height: number } {
  let [x, y] = [MARGIN + NAMES, 0];
  const boxes = tokens.map((token) => {
    const width = Math.min(WIDTH - NAMES - 2 * MARGIN, CHARACTER * [...token].length + 8);
    if (x + width > WIDTH - MARGIN) [x, y] = [MARGIN + NAMES, y + LINE];
    const box = { x, y, width, height: LINE - 2 };
    x += width + 2;
    return box;
  });
  return { boxes, height: y + LINE };
}

function drawText(tokens: readonly string[], panels: readonly OverlayPanel[], title: string): string {
  const { boxes, height } = boxesOf(tokens);
  const panelHeight = LINE + panels[0].rows.length * (height + 4) + 8;
  const { document, svg } = emptySvg(title, WIDTH, TOP + panels.length * panelHeight);
  panels.forEach(({ caption, rows }, panel) => {
    const top = TOP + panel * panelHeight;
    svg.append(element(document, "text", { x: MARGIN, y: top + 14 }, caption));
    rows.forEach(({ name, values }, row) => {
      const at = top + LINE + row * (height + 4);
      svg.append(element(document, "text", { x: MARGIN, y: at + 13, fill: palette.grey }, name));
      boxes.forEach(({ x, y, ...size }, token) => {
        svg.append(
          element(document, "rect", { x, y: y + at, ...size, stroke: "#cccccc", ...fillOf(values[token], values) }),
          element(document, "text", { x: x + 4, y: y + at + 13 }, tokens[token]),
        );
      });
    });
  });
  return toSvg(svg);
}

function drawPicture(
  { width, height, levels, patches: [across, down], special }: DrawnInput & { readonly kind: "picture" },
  panels: readonly OverlayPanel[],
  title: string,
): string {
  const [wide, high] = [SIDE * Math.min(1, width / height), SIDE * Math.min(1, height / width)];
  const perPanel = panels[0].rows.length * (SIDE + MARGIN);
  const perRow = Math.max(1, Math.floor(WIDTH / perPanel));
  const panelHeight = LINE + high + (special > 0 ? SMALL + 6 : 0) + LINE + 10;
  const { document, svg } = emptySvg(title, WIDTH, TOP + Math.ceil(panels.length / perRow) * panelHeight);
  const png = encode({ width, height, channels: 1, data: Uint8Array.from(levels) });
  const id = title.replace(/\W+/g, "-");
  const image = element(document, "image", {
    id,
    width: wide,
    height: high,
    preserveAspectRatio: "none",
    style: "image-rendering: pixelated",
    opacity: 0.5, // colours must show on black
    href: `data:image/png;base64,${Buffer.from(png).toString("base64")}`,
  });
  const definitions = element(document, "defs", {});
  definitions.append(image);
  svg.append(definitions);
  panels.forEach(({ caption, rows }, panel) => {
    const [left, top] = [MARGIN + (panel % perRow) * perPanel, TOP + Math.floor(panel / perRow) * panelHeight];
    svg.append(element(document, "text", { x: left, y: top + 14 }, caption));
    rows.forEach(({ name, values }, row) => {
      const [x, y] = [left + row * (SIDE + MARGIN), top + LINE];
      svg.append(element(document, "use", { href: `#${id}`, x, y }));
      values.forEach((value, token) => {
        const patch = token - special;
        const [w, h] = [wide / across, high / down];
        const box =
          patch < 0
            ? { x: x + token * (SMALL + 2), y: y + high + 4, width: SMALL, height: SMALL, stroke: "#999999" }
            : {
                x: x + (patch % across) * w,
                y: y + Math.floor(patch / across) * h,
                width: w,
                height: h,
                stroke: "none",
              };
        svg.append(element(document, "rect", { ...box, ...fillOf(value, values) }));
      });
      const below = y + high + (special > 0 ? SMALL + 6 : 0) + 14;
      svg.append(element(document, "text", { x, y: below, fill: palette.grey }, name));
    });
  });
  return toSvg(svg);
}

/** A stand-alone SVG of numbers of tokens over the patches of a picture, or over the tokens of a text. */
export function overInput({ input, panels }: Overlay, title: string): string {
  return input.kind === "text" ? drawText(input.tokens, panels, title) : drawPicture(input, panels, title);
}

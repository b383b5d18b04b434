import type { Cell } from "./heat.js";
import type { Panel } from "./landscape.js";
import type { Lines } from "./lines.js";
import type { Overlay } from "./over-input.js";
import type { GreyPicture } from "./picture.js";

/** A table of text; both the terminal and the report render it. */
export interface Table {
  readonly kind: "table";
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
  /** Part of the closing summary on the terminal. */
  readonly summary?: boolean;
  /** Collapsed in the page, because a figure shows the same. */
  readonly folded?: boolean;
}

/** What a figure shows, as data. */
export type Plot =
  | ({ readonly kind: "lines" } & Lines)
  | { readonly kind: "heat"; readonly cells: readonly Cell[]; readonly label: string }
  | { readonly kind: "contours"; readonly panels: readonly Panel[]; readonly xLabel: string; readonly yLabel: string }
  | { readonly kind: "surfaces"; readonly panels: readonly Panel[] }
  | ({ readonly kind: "overlay" } & Overlay)
  | { readonly kind: "pictures"; readonly pictures: readonly GreyPicture[] };

export interface Figure {
  readonly kind: "figure";
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly plot: Plot;
  /** What was measured, and on what. */
  readonly caption: string;
  /** The device, if not that of the study's backend. */
  readonly device?: string;
}

export type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | Table
  | Figure;

/** What a study found, ready to be shown. */
export interface Report {
  /** One or two sentences that answer the study's question. */
  readonly answer: string;
  readonly blocks: readonly Block[];
}

export interface TitledReport extends Report {
  readonly title: string;
}

export const heading = (text: string): Block => ({ kind: "heading", text });
export const paragraph = (text: string): Block => ({ kind: "paragraph", text });
export const table = (
  title: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  rest: Pick<Table, "note" | "summary" | "folded"> = {},
): Table => ({ kind: "table", title, columns, rows, ...rest });
export const figure = (name: string, title: string, plot: Plot, caption: string, device?: string): Figure => ({
  kind: "figure",
  name,
  title,
  plot,
  caption,
  ...(device === undefined ? {} : { device }),
});

/** A number with `digits` significant digits, scientific if very large or small; a dash for undefined. */
export function formatNumber(value: number | undefined, digits = 3): string {
  if (value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3
    ? value.toExponential(digits - 1)
    : String(Number(value.toPrecision(digits)));
}

export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A table of text; both the terminal and the report render it. */
export interface Table {
  readonly kind: "table";
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly note?: string;
  /** Part of the closing summary on the terminal. */
  readonly summary?: boolean;
}

/** A stand-alone SVG picture. */
export interface Figure {
  readonly kind: "figure";
  /** File name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
  /** What was measured, and on what. */
  readonly caption: string;
  /** Where it was computed, if not on the study's backend. */
  readonly device?: string;
}

export type Block =
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "paragraph"; readonly text: string }
  | Table
  | Figure;

/** A study's results, ready to be shown. */
export interface Presentation {
  readonly title: string;
  /** One or two sentences that answer the study's question. */
  readonly answer: string;
  readonly blocks: readonly Block[];
}

/** A number for people: `digits` significant digits, scientific where that is shorter; a dash for none. */
export function formatNumber(value: number | undefined, digits = 3): string {
  if (value === undefined) return "–";
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3 ? value.toExponential(digits - 1) : String(Number(value.toPrecision(digits)));
}

export function formatPercent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

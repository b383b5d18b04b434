import { count, short } from "../kit/numbers.js";
import type { Event, LayerSizes } from "./dissect.js";

export const orderWords = { auto: "as usual", "out-in": "[out, in]", "in-out": "[in, out]" } as const;

/** A number, or the range of several. */
function rangeOf(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? count(least) : `${count(least)} to ${count(most)}`;
}

/** Layers, widths and heads of a model, and who says so. @param about what its file says */
export function describeModel({ sizes, headsFrom }: Extract<Event, { readonly kind: "sizes" }>): string {
  const all = (name: Exclude<keyof LayerSizes, "label">): string => rangeOf(sizes.map((own) => own[name]));
  const from = { given: "as given above", configuration: "by config.json", file: "by the file" }[headsFrom];
  const shared = sizes.some(({ heads, keyHeads }) => keyHeads < heads) ? `, ${all("keyHeads")} of keys` : "";
  const heads = `${all("heads")} heads of ${all("dim")}${shared} (${from})`;
  return `${count(sizes.length)} layers, width ${all("width")}, ${heads}`;
}

/** What the correlation of the sample's weights means. @param alike the correlation */
export function correlationWords(alike: number): string {
  if (alike === 0) return "W_q and W_k are independent, so what the map shows is noise.";
  const other = alike > 0 ? "similar tokens" : "opposite tokens";
  return `Entries of W_q and W_k have the correlation ${short(alike)}, so tokens attend to ${other}.`;
}

import { meanInterval } from "../../numerics/mean-interval.js";
import { palette, type Series } from "../report/lines.js";
import { byKernel } from "./runs.js";

const colors = Object.values(palette);

export const BAND = "Mean over seeds; the band is Student's 95 % interval of the mean.";

/** One line per kernel: means over seeds at each `x`, with Student's interval if there are two or more seeds. */
export function bands<Run extends { readonly kernel: string }>(
  runs: readonly Run[],
  x: (place: number) => number,
  values: (run: Run) => readonly number[],
): Series[] {
  return [...byKernel(runs)].map(([kernel, own], index) => {
    const rows = own.map(values);
    const means = Array.from({ length: Math.min(...rows.map((row) => row.length)) }, (_, place) =>
      meanInterval(rows.map((row) => row[place])),
    );
    const line = {
      label: kernel,
      color: colors[index % colors.length],
      x: means.map((_, place) => x(place)),
      y: means.map(({ mean }) => mean),
    };
    return own.length < 2
      ? line
      : { ...line, band: { low: means.map(({ low }) => low), high: means.map(({ high }) => high) } };
  });
}

import { median } from "../../numerics/averages.js";
import type { Series } from "../report/lines.js";
import { figure, formatNumber, table, type Block } from "../report/report.js";
import type { WavefunctionRun } from "./measurements.js";
import { chainSettings, type WavefunctionOptions } from "./options.js";
import { bar, projected, rhos, sampled, shades, stepsOf } from "./labels.js";

/** ρ of softmax attention against the number of patches. */
export function lengthBlocks(runs: readonly WavefunctionRun[], options: WavefunctionOptions): Block[] {
  const { patch } = options;
  const rows = runs.map((run) => [
    String(run.extents[0]),
    String(run.extents[0] / patch),
    String(run.seed),
    bar(run),
    formatNumber(run.last.variance, 2),
    rhos(run),
    String(run.parameters),
    formatNumber(median(run.seconds), 2),
    stepsOf(run),
  ]);
  const rings = chainSettings(options, options).map(
    (setting) =>
      `${setting.extents[0]} sites: ${projected[setting.projection]}, ${sampled[setting.sampling](setting)}.`,
  );
  const overview = table(
    "Softmax attention with relative positions on chains",
    ["sites", "patches", "seed", "energy", "variance", "ρ by layer", "parameters", "s/step", "steps"],
    rows,
    {
      summary: true,
      note: `The same transformer on rings, after the same number of steps. ${rings.join(" ")}`,
    },
  );
  const finished = runs.filter((run) => run.finished);
  const lengths = [...new Set(finished.map(({ extents }) => extents[0] / patch))];
  if (lengths.length < 2) return [overview];
  /** ρ of a layer after the last step of every seed, in ascending order. */
  const reached = (length: number, layer: number): number[] =>
    finished
      .filter(({ extents }) => extents[0] / patch === length)
      .map(({ dependence }) => dependence[dependence.length - 1].layers[layer])
      .sort((x, y) => x - y);
  const series = finished[0].dependence[0].layers.map((_, layer): Series => {
    const all = lengths.map((length) => reached(length, layer));
    return {
      label: `layer ${layer + 1}`,
      color: shades[layer % shades.length],
      x: lengths,
      y: all.flatMap((values) => median(values) ?? []),
      band: { low: all.map((values) => values[0]), high: all.map((values) => values[values.length - 1]) },
    };
  });
  const plot = { kind: "lines", series, xLabel: "patches", yLabel: "ρ", logarithmic: true, dots: true } as const;
  return [
    overview,
    figure(
      "lengths",
      "Input dependence ρ against the number of patches",
      plot,
      "After the last step: medians over seeds; the band is the least and the largest value.",
    ),
  ];
}

import { median } from "../../numerics/averages.js";
import { slopeOf } from "../../numerics/least-squares.js";
import { meanInterval, type MeanInterval } from "../../numerics/mean-interval.js";
import type { Series } from "../report/lines.js";
import { figure, formatNumber, paragraph, table, type Block } from "../report/report.js";
import type { WavefunctionRun } from "./measurements.js";
import { chainSettings, type WavefunctionOptions } from "./options.js";
import { bar, projected, rhos, sampled, shades, stepsOf } from "./labels.js";

/** ρ of a layer after the last step. */
const lastRho = ({ dependence }: WavefunctionRun, layer: number): number =>
  dependence[dependence.length - 1].layers[layer];

/**
 * The exponent s of ρ ∝ n^s by layer: for each seed that has all lengths, the slope of ln ρ against ln n. Empty for
 * fewer than two lengths.
 */
export function exponents(runs: readonly WavefunctionRun[]): MeanInterval[] {
  const finished = runs.filter((run) => run.finished);
  const lengths = new Set(finished.map(({ extents }) => extents[0]));
  const complete = [...new Set(finished.map(({ seed }) => seed))]
    .map((seed) => finished.filter((run) => run.seed === seed))
    .filter((own) => own.length === lengths.size);
  if (lengths.size < 2 || complete.length === 0) return [];
  return complete[0][0].dependence[0].layers.map((_, layer) =>
    meanInterval(
      // sites are proportional to patches, so that they have the same slope
      complete.map((own) => slopeOf(own.map((run) => [Math.log(run.extents[0]), Math.log(lastRho(run, layer))]))),
    ),
  );
}

/** What the exponents say, one sentence for each layer. */
export const exponentWords = (runs: readonly WavefunctionRun[]): string[] =>
  exponents(runs).map(({ mean: value, low, high, count }, layer, { length }) => {
    const of = length > 1 ? `Layer ${layer + 1}: ` : "";
    if (!Number.isFinite(value)) return `${of}no exponent, because ρ is 0 or not finite in a run.`;
    if (count < 2) return `${of}ρ ∝ n^s with s = ${value.toFixed(2)}; one seed says nothing about others.`;
    const verdict = high < 0 ? "ρ falls with n" : low > 0 ? "ρ rises with n" : "the interval includes 0";
    const interval = `${low.toFixed(2)} to ${high.toFixed(2)}, 95 %, ${count} seeds`;
    return `${of}ρ ∝ n^s with s = ${value.toFixed(2)} (${interval}): ${verdict}.`;
  });

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
      .map((run) => lastRho(run, layer))
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
    ...exponentWords(runs).map(paragraph),
  ];
}

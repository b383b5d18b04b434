import { mean, median } from "../../numerics/averages.js";
import { linePlot, palette, type Series } from "../report/lines.js";
import { formatNumber, type Block, type Figure, type Presentation, type Table } from "../report/presentation.js";
import type { Results } from "../runner/study.js";
import { attentionNames, chainSettings, type AttentionName, type OptimizationSetting, type ProjectionName, type SamplingName, type WavefunctionConfiguration } from "./configuration.js";
import type { WavefunctionMeasurements, WavefunctionRun } from "./measurements.js";

type WavefunctionResults = Results<WavefunctionConfiguration, WavefunctionMeasurements>;

const color: Readonly<Record<AttentionName, string>> = { factored: palette.orange, softmax: palette.blue };
const words: Readonly<Record<AttentionName, string>> = { factored: "factored (positions alone)", softmax: "softmax with relative positions" };

/** Steps that the moving average joins: over fewer, the noise of a few hundred draws a step is seen. */
const WINDOW = 30;

export function movingAverage(values: readonly number[], window = WINDOW): number[] {
  return values.slice(window - 1).map((_, index) => mean(values.slice(index, index + window)));
}

/** After so many steps the energy has an error bar, or is a sum over all configurations. */
const energyOf = ({ last }: WavefunctionRun): number => last.mean;
const bar = ({ last }: WavefunctionRun): string => (last.error > 0 ? `${last.mean.toFixed(6)} ± ${last.error.toFixed(6)}` : last.mean.toFixed(7));
const rhos = ({ dependence }: WavefunctionRun): string => dependence[dependence.length - 1]?.layers.map((value) => formatNumber(value, 2)).join(", ") ?? "–";
const relative = (energy: number, reference: number): number => (energy - reference) / Math.abs(reference);

function runTable(runs: readonly WavefunctionRun[], reference: number | undefined): Table {
  return {
    kind: "table",
    title: "Energy per site, input dependence and cost",
    summary: true,
    columns: ["attention", "seed", "energy", "relative error", "zero variance", "variance", "τ", "R̂", "ρ by layer", "parameters", "s/step", "steps", "raised shifts"],
    rows: runs.map((run) => [
      run.attention,
      String(run.seed),
      bar(run),
      reference === undefined ? "–" : formatNumber(relative(energyOf(run), reference), 2),
      run.zeroVariance === undefined ? "–" : run.zeroVariance.toFixed(5),
      formatNumber(run.last.variance, 2),
      formatNumber(run.last.autocorrelationTime, 2),
      run.last.rHat.toFixed(3),
      rhos(run),
      String(run.parameters),
      formatNumber(median(run.seconds), 2),
      run.finished ? String(run.energies.length) : `${run.energies.length}, stopped`,
      String(run.raisedShifts),
    ]),
    note:
      "Energy: with an error bar where it is sampled, else a sum over all configurations. Zero variance: energies of the second half of the steps, extrapolated in " +
      "their variance; an estimate, not a bound. τ: autocorrelation time in draws. R̂ compares chains; above 1.02 they have not mixed, and the error bar is too small. ρ = Σ Var(α_ij) / Σ mean(α_ij)² over |ψ|²; it is 0 for factored attention by construction. " +
      "Seconds: the median step. Raised shifts: steps whose system was not positive definite in the backend's arithmetic with the configured shift.",
  };
}

function curves(runs: readonly WavefunctionRun[], reference: number | undefined): Figure {
  // Sums over all configurations have no noise to average.
  const window = runs.every(({ last }) => last.error === 0) ? 1 : WINDOW;
  const averaged = window > 1 ? ", moving average" : "";
  const title = reference === undefined ? `Energy per site${averaged}` : `Relative error of the energy${averaged}`;
  const series = runs.map(({ attention, seed, energies }): Series => {
    const average = movingAverage(energies, Math.min(window, energies.length));
    const x = average.map((_, index) => index + energies.length - average.length + 1);
    return { label: `${attention} ${seed}`, color: color[attention], x, y: reference === undefined ? average : average.map((energy) => relative(energy, reference)) };
  });
  return {
    kind: "figure",
    name: "energy",
    title,
    svg: linePlot(series, { title, xLabel: "step", yLabel: reference === undefined ? "energy per site" : "relative error", logarithmic: reference !== undefined }),
    caption: `${window > 1 ? `Means over ${window} steps; one` : "One"} line a seed; factored looks at positions alone, softmax at queries, keys and relative positions.`,
  };
}

/** Of seeds, or layers. */
const shades = [palette.blue, palette.green, palette.purple, palette.orange, palette.grey];

function dependenceFigure(runs: readonly WavefunctionRun[]): Figure {
  const title = "Input dependence ρ of softmax attention along the optimisation";
  const series = runs.filter(({ attention }) => attention === "softmax").flatMap(({ seed, dependence }, index) =>
    (dependence[0]?.layers ?? []).map((_, layer): Series => ({
      label: `layer ${layer + 1}, seed ${seed}`,
      color: shades[index % shades.length],
      dashed: layer > 0,
      x: dependence.map(({ step }) => step),
      y: dependence.map(({ layers }) => layers[layer]),
    })),
  );
  return {
    kind: "figure",
    name: "input-dependence",
    title,
    svg: linePlot(series, { title, xLabel: "step", yLabel: "ρ", logarithmic: true }),
    caption: "Over |ψ|²; layers after the first are dashed. Where ρ is 0, weights do not depend on the configuration, and factored attention could take their place.",
  };
}

/** ρ of softmax attention against the number of patches. */
function lengthBlocks(runs: readonly WavefunctionRun[], configuration: WavefunctionConfiguration): Block[] {
  const { patch } = configuration;
  const table: Table = {
    kind: "table",
    title: "Softmax attention with relative positions on chains",
    summary: true,
    columns: ["sites", "patches", "seed", "energy", "variance", "ρ by layer", "parameters", "s/step", "steps"],
    rows: runs.map((run) => [
      String(run.extents[0]),
      String(run.extents[0] / patch),
      String(run.seed),
      bar(run),
      formatNumber(run.last.variance, 2),
      rhos(run),
      String(run.parameters),
      formatNumber(median(run.seconds), 2),
      run.finished ? String(run.energies.length) : `${run.energies.length}, stopped`,
    ]),
    note: `The same transformer on rings, after as many steps each. ${chainSettings(configuration, configuration)
      .map((setting) => `${setting.extents[0]} sites: ${projected[setting.projection]}, ${sampled[setting.sampling](setting)}.`)
      .join(" ")}`,
  };
  const finished = runs.filter((run) => run.finished);
  const lengths = [...new Set(finished.map(({ extents }) => extents[0] / patch))];
  if (lengths.length < 2) return [table];
  const title = "Input dependence ρ against the number of patches";
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
  const figure: Figure = {
    kind: "figure",
    name: "lengths",
    title,
    svg: linePlot(series, { title, xLabel: "patches", yLabel: "ρ", logarithmic: true, dots: true }),
    caption: "After the last step: medians of the seeds, with their least and largest as a band.",
  };
  return [table, figure];
}

function mapTables(runs: readonly WavefunctionRun[]): Table[] {
  return attentionNames.flatMap((attention) => {
    const run = runs.find((candidate) => candidate.attention === attention);
    return (run?.maps ?? []).map((map, layer): Table => {
      const tokens = Math.sqrt(map.length);
      return {
        kind: "table",
        title: `Mean attention of layer ${layer + 1}, ${words[attention]}`,
        columns: ["patch", ...Array.from({ length: tokens }, (_, j) => String(j + 1))],
        rows: Array.from({ length: tokens }, (_, i) => [String(i + 1), ...map.slice(i * tokens, (i + 1) * tokens).map((weight) => weight.toFixed(3))]),
        note: "Averaged over heads and samples; factored weights are real numbers of any sign and do not sum to 1.",
      };
    });
  });
}

function answer({ measurements, configuration }: WavefunctionResults): string {
  const runs = measurements?.runs ?? [];
  const { extents, j2 } = configuration;
  const title = `${extents.join(" × ")} sites, J2 = ${j2}`;
  if (runs.length === 0) {
    const grown = measurements?.lengths ?? [];
    return grown.length === 0 ? "The study was stopped before its first result." : `ρ of softmax attention on chains of ${grown.map((run) => run.extents[0]).join(", ")} sites: ${grown.map(rhos).join("; ")}.`;
  }
  const reference = measurements?.reference;
  const stopped = runs.filter(({ finished }) => !finished).length;
  const parts = attentionNames.flatMap((attention) => {
    const own = runs.filter((run) => run.attention === attention && run.finished);
    if (own.length === 0) return [];
    const energies = own.map(energyOf);
    const worst = Math.max(...energies);
    const error = reference === undefined ? "" : `, relative error ${own.length > 1 ? "at most " : ""}${formatNumber(relative(worst, reference.energy), 2)}`;
    const rho = attention === "softmax" ? `, ρ by layer ${own.map(rhos).join("; ")}` : "";
    return [`${words[attention]}: energy per site ${own.length > 1 ? `${Math.min(...energies).toFixed(6)} to ${worst.toFixed(6)} over ${own.length} seeds` : `${bar(own[0])}, one seed`}${error}, ${own[0].parameters} parameters${rho}`];
  });
  const wanted = reference === undefined ? " No reference energy is known here." : ` Reference ${reference.energy.toFixed(6)} (${reference.source}).`;
  const rest = stopped === 0 ? [] : [`${stopped} ${stopped > 1 ? "optimisations" : "optimisation"} stopped, not counted`];
  return `${title}: ${[...parts, ...rest].join("; ")}.${wanted}`;
}

const sampled: Readonly<Record<SamplingName, (setting: OptimizationSetting) => string>> = {
  sum: () => "sums over all configurations of the sector S^z = 0, without noise",
  draws: ({ samples }) => `over ${samples} independent draws a step from the enumerated sector S^z = 0`,
  metropolis: ({ samples, chains }) => `over ${samples} draws a step by Metropolis exchange in ${chains} chains`,
};
const projected: Readonly<Record<ProjectionName, string>> = {
  none: "not projected on symmetries",
  translations: "projected on invariance under all translations",
  all: "projected on invariance under all translations, the point group and the flip of all spins",
};

/** Tables and figures of the study, from its results alone. */
export function present(results: WavefunctionResults): Presentation {
  const { measurements, configuration } = results;
  const title = "Are queries and keys relevant? Transformer wave functions of the J1-J2 model";
  if (measurements === undefined) return { title, answer: answer(results), blocks: [] };
  const { runs, reference, lengths } = measurements;
  const { width, heads, layers, patch, sampling, projection, shift, momentum, rate } = configuration;
  const blocks: Block[] = [
    {
      kind: "paragraph",
      text:
        `The ansatz of Rende & Viteritti, arXiv 2405.18874: patches of ${patch} sites along each axis, width ${width}, ${heads} heads, ${layers} layer${layers > 1 ? "s" : ""}, complex log ψ, no sign rule imposed, ` +
        `${projected[projection]}. Means are ${sampled[sampling](configuration)}; stochastic reconfiguration, shift ${shift}, momentum ${momentum}, ` +
        `learning rate ${rate.start}${rate.end === rate.start ? "" : ` falling to ${rate.end}`}. The two differ in attention alone.`,
    },
  ];
  if (runs.length > 0) blocks.push(runTable(runs, reference?.energy), curves(runs, reference?.energy));
  if (runs.some(({ attention }) => attention === "softmax")) blocks.push(dependenceFigure(runs));
  if (lengths.length > 0) blocks.push(...lengthBlocks(lengths, configuration));
  blocks.push(...mapTables(runs));
  return { title, answer: answer(results), blocks };
}

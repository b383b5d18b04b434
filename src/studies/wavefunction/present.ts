import { linePlot, palette, type Series } from "../report/lines.js";
import { formatNumber, type Block, type Figure, type Presentation, type Table } from "../report/presentation.js";
import type { Results } from "../study.js";
import { attentionNames, type AttentionName, type WavefunctionConfiguration } from "./configuration.js";
import type { WavefunctionMeasurements, WavefunctionRun } from "./measurements.js";

type WavefunctionResults = Results<WavefunctionConfiguration, WavefunctionMeasurements>;

const color: Readonly<Record<AttentionName, string>> = { factored: palette.orange, softmax: palette.blue };
const words: Readonly<Record<AttentionName, string>> = { factored: "factored (positions alone)", softmax: "softmax with relative positions" };

/** Steps that the moving average joins. */
const WINDOW = 20;

export function movingAverage(values: readonly number[], window = WINDOW): number[] {
  return values.slice(window - 1).map((_, index) => values.slice(index, index + window).reduce((a, b) => a + b, 0) / window);
}

/** The best estimate of the energy that there is. */
const energyOf = ({ enumerated, last }: WavefunctionRun): number => enumerated ?? last.mean;
const relative = (energy: number, reference: number): number => (energy - reference) / Math.abs(reference);

function runTable(runs: readonly WavefunctionRun[], reference: number | undefined): Table {
  return {
    kind: "table",
    title: "Energy per site, input dependence and cost",
    summary: true,
    columns: ["attention", "seed", "energy", "relative error", "sampled", "zero variance", "variance", "τ", "R̂", "ρ by layer", "parameters", "s/step", "steps", "raised shifts"],
    rows: runs.map((run) => [
      run.attention,
      String(run.seed),
      energyOf(run).toFixed(7),
      reference === undefined ? "–" : formatNumber(relative(energyOf(run), reference), 2),
      `${run.last.mean.toFixed(5)} ± ${run.last.error.toFixed(5)}`,
      run.zeroVariance === undefined ? "–" : run.zeroVariance.toFixed(5),
      formatNumber(run.last.variance, 2),
      formatNumber(run.last.autocorrelationTime, 2),
      run.last.rHat.toFixed(3),
      (run.dependence.at(-1)?.layers ?? []).map((value) => formatNumber(value, 2)).join(", "),
      String(run.parameters),
      formatNumber(run.secondsPerStep, 2),
      run.finished ? String(run.energies.length) : `${run.energies.length}, stopped`,
      String(run.raisedShifts),
    ]),
    note:
      "Energy: by enumeration of the sector where it is small, else sampled. Zero variance: energies of the second half of the steps, extrapolated in " +
      "their variance; an estimate, not a bound. ρ = Σ Var(α_ij) / Σ mean(α_ij)² over samples; it is 0 for factored attention by construction. " +
      "Seconds: the median step. Raised shifts: steps whose system was not positive definite in the backend's arithmetic with the configured shift.",
  };
}

function curves(runs: readonly WavefunctionRun[], reference: number | undefined): Figure {
  const title = reference === undefined ? "Energy per site, moving average" : "Relative error of the sampled energy, moving average";
  const series = runs.flatMap(({ attention, energies }): Series[] => {
    const average = movingAverage(energies, Math.min(WINDOW, energies.length));
    const x = average.map((_, index) => index + energies.length - average.length + 1);
    return [{ label: words[attention], color: color[attention], x, y: reference === undefined ? average : average.map((energy) => relative(energy, reference)) }];
  });
  return {
    kind: "figure",
    name: "energy",
    title,
    svg: linePlot(separate(series), { title, xLabel: "step", yLabel: reference === undefined ? "energy per site" : "relative error", logarithmic: reference !== undefined }),
    caption: `Means over ${WINDOW} steps; one line a seed.`,
  };
}

/** Lines of one label end where the next begins: a point without a value stands between them. */
function separate(series: readonly Series[]): Series[] {
  const labels = [...new Set(series.map(({ label }) => label))];
  return labels.flatMap((label) => {
    const own = series.filter((line) => line.label === label);
    return own.map((line, index) => ({ ...line, label: own.length > 1 ? `${label}, ${index + 1}` : label }));
  });
}

function dependenceFigure(runs: readonly WavefunctionRun[]): Figure {
  const title = "Input dependence ρ of softmax attention along the optimisation";
  const shades = [palette.blue, palette.green, palette.purple, palette.grey];
  const chosen = runs.filter(({ attention }) => attention === "softmax").slice(0, 1);
  const series = chosen.flatMap(({ dependence }) =>
    (dependence[0]?.layers ?? []).map((_, layer): Series => ({
      label: `layer ${layer + 1}`,
      color: shades[layer % shades.length],
      x: dependence.map(({ step }) => step),
      y: dependence.map(({ layers }) => layers[layer]),
    })),
  );
  return {
    kind: "figure",
    name: "input-dependence",
    title,
    svg: linePlot(series, { title, xLabel: "step", yLabel: "ρ", logarithmic: true }),
    caption: "Over samples of |ψ|² of the first seed. Where ρ is 0, weights do not depend on the configuration, and factored attention could take their place.",
  };
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
  if (runs.length === 0) return "The study was stopped before its first result.";
  const reference = measurements?.reference;
  const parts = attentionNames.flatMap((attention) => {
    const own = runs.filter((run) => run.attention === attention);
    if (own.length === 0) return [];
    const energies = own.map(energyOf);
    const worst = Math.max(...energies);
    const error = reference === undefined ? "" : `, relative error at most ${formatNumber(relative(worst, reference.energy), 2)}`;
    const rho = attention === "softmax" ? `, ρ of the layers ${own[0].dependence.at(-1)?.layers.map((value) => formatNumber(value, 2)).join(" and ") ?? "not measured"}` : "";
    return [`${words[attention]}: energy per site ${Math.min(...energies).toFixed(6)} to ${worst.toFixed(6)} over ${own.length} seed${own.length > 1 ? "s" : ""}${error}, ${own[0].parameters} parameters${rho}`];
  });
  const wanted = reference === undefined ? "" : ` Reference ${reference.energy.toFixed(6)} (${reference.source}).`;
  return `${configuration.side} × ${configuration.side}, J2 = ${configuration.j2}: ${parts.join("; ")}.${wanted}`;
}

/** Tables and figures of the study, from its results alone. */
export function present(results: WavefunctionResults): Presentation {
  const { measurements, configuration } = results;
  const blocks: Block[] = [];
  if (measurements && measurements.runs.length > 0) {
    const { runs, reference } = measurements;
    const { width, heads, layers, patch, samples, enumerate, chains, shift, momentum, rate } = configuration;
    blocks.push(
      {
        kind: "paragraph",
        text:
          `The ansatz of Rende & Viteritti, arXiv 2405.18874: ${patch} × ${patch} patches, width ${width}, ${heads} heads, ${layers} layers, complex log ψ, no sign rule imposed. ` +
          `${samples} draws a step ${enumerate ? `from the enumerated sector S^z = 0, for directions from |ψ|^${configuration.explore}, reweighted` : `by Metropolis exchange in ${chains} chains`}; stochastic reconfiguration, shift ${shift}, ` +
          `momentum ${momentum}, learning rate ${rate.start} falling to ${rate.end}. The two differ in attention alone.`,
      },
      runTable(runs, reference?.energy),
      curves(runs, reference?.energy),
    );
    if (runs.some(({ attention }) => attention === "softmax")) blocks.push(dependenceFigure(runs));
    blocks.push(...mapTables(runs));
  }
  return { title: "Are queries and keys relevant? Transformer wave functions of the J1-J2 model", answer: answer(results), blocks };
}

import { mean, median } from "../../numerics/averages.js";
import type { Series } from "../report/lines.js";
import {
  figure,
  formatNumber,
  paragraph,
  table,
  type Block,
  type Figure,
  type Report,
  type Table,
} from "../report/report.js";
import { exponentWords, lengthBlocks } from "./lengths.js";
import type { WavefunctionMeasurements, WavefunctionRun } from "./measurements.js";
import type { WavefunctionOptions } from "./options.js";
import { attentionNames, finalDrawsOf, schedulesOf } from "./setting.js";
import { bar, color, projected, rhos, sampled, shades, stepsOf, withBar, words } from "./labels.js";

/** Steps of the moving average; fewer would show the noise of a few hundred draws per step. */
const WINDOW = 30;

export function movingAverage(values: readonly number[], window = WINDOW): number[] {
  return values.slice(window - 1).map((_, index) => mean(values.slice(index, index + window)));
}

/** Final energy of a run. */
const energyOf = ({ last }: WavefunctionRun): number => last.mean;
const relative = (energy: number, reference: number): number => (energy - reference) / Math.abs(reference);

function runTable(
  runs: readonly WavefunctionRun[],
  reference: number | undefined,
  options: WavefunctionOptions,
): Table {
  const rows = runs.map((run) => [
    run.attention,
    String(run.seed),
    bar(run),
    reference === undefined ? "–" : formatNumber(relative(energyOf(run), reference), 2),
    run.projected === undefined ? "–" : `${withBar(run.projected)}, R̂ ${run.projected.rHat.toFixed(3)}`,
    run.zeroVariance === undefined ? "–" : run.zeroVariance.toFixed(5),
    formatNumber(run.last.variance, 2),
    formatNumber(run.last.autocorrelationTime, 2),
    run.last.rHat.toFixed(3),
    rhos(run),
    String(run.parameters),
    formatNumber(median(run.seconds), 2),
    stepsOf(run),
    String(run.raisedShifts),
  ]);
  const columns = [
    "attention",
    "seed",
    "energy",
    "relative error",
    "on all symmetries",
    "zero variance",
    "variance",
    "τ",
    "R̂",
    "ρ by layer",
    "parameters",
    "s/step",
    "steps",
    "raised shifts",
  ];
  return table("Energy per site, input dependence and cost", columns, rows, {
    summary: true,
    note:
      `Energy: with an error bar where it is sampled, from ${finalDrawsOf(options)} times the draws of a step, else ` +
      "a sum over all configurations. ψ is projected as in the last steps. On all symmetries: the energy of the " +
      "last parameters with ψ projected on them, up to 36 sites, without a refinement. Zero variance: " +
      "energies of the second half of the steps with the last projection, extrapolated to " +
      "zero variance; an estimate, not a bound. τ: autocorrelation time in draws. R̂ compares chains; above " +
      "1.02 they have not mixed, and the error bar is too small. Input dependence ρ = Σ Var(α_ij) / Σ " +
      "mean(α_ij)² over |ψ|², with attention weights α_ij; it is 0 for factored and spatial attention by " +
      "construction. " +
      "Seconds: the median step. Raised shifts: steps whose system was not positive definite in the " +
      "backend's arithmetic with the configured shift. Where the device is a software adapter, the CPU computed all " +
      "of this, log ψ and its derivatives in the precision of the settings.",
  });
}

function curves(runs: readonly WavefunctionRun[], reference: number | undefined): Figure {
  // Sums over all configurations have no noise to average.
  const window = runs.every(({ last }) => last.error === 0) ? 1 : WINDOW;
  const averaged = window > 1 ? ", moving average" : "";
  const title = reference === undefined ? `Energy per site${averaged}` : `Relative error of the energy${averaged}`;
  const series = runs.map(({ attention, seed, energies }): Series => {
    const average = movingAverage(energies, Math.min(window, energies.length));
    const x = average.map((_, index) => index + energies.length - average.length + 1);
    return {
      label: `${attention} ${seed}`,
      legend: attention,
      color: color[attention],
      x,
      y: reference === undefined ? average : average.map((energy) => relative(energy, reference)),
    };
  });
  const plot = {
    kind: "lines",
    series,
    xLabel: "step",
    yLabel: reference === undefined ? "energy per site" : "relative error",
    logarithmic: reference !== undefined,
  } as const;
  const caption =
    `${window > 1 ? `Means over ${window} steps; one` : "One"} line per seed. Factored weights depend ` +
    "only on positions, softmax weights on queries, keys and relative positions.";
  return figure("energy", title, plot, caption);
}

function dependenceFigure(runs: readonly WavefunctionRun[]): Figure {
  const series = runs
    .filter(({ attention }) => attention === "softmax")
    .flatMap(({ seed, dependence }, index) =>
      (dependence[0]?.layers ?? []).map((_, layer): Series => ({
        label: `layer ${layer + 1}, seed ${seed}`,
        color: shades[index % shades.length],
        dashed: layer > 0,
        x: dependence.map(({ step }) => step),
        y: dependence.map(({ layers }) => layers[layer]),
      })),
    );
  const caption =
    "Over |ψ|²; layers after the first are dashed. If ρ is 0, weights do not depend on the configuration, " +
    "and factored attention could replace them.";
  return figure(
    "input-dependence",
    "Input dependence ρ of softmax attention along the optimisation",
    { kind: "lines", series, xLabel: "step", yLabel: "ρ", logarithmic: true },
    caption,
  );
}

function mapTables(runs: readonly WavefunctionRun[]): Table[] {
  return attentionNames.flatMap((attention) => {
    const run = runs.find((candidate) => candidate.attention === attention);
    return (run?.maps ?? []).map((map, layer): Table => {
      const tokens = Math.sqrt(map.length);
      const rows = Array.from({ length: tokens }, (_, i) => [
        String(i + 1),
        ...map.slice(i * tokens, (i + 1) * tokens).map((weight) => weight.toFixed(3)),
      ]);
      return table(
        `Mean attention of layer ${layer + 1}, ${words[attention]}`,
        ["patch", ...rows.map(([patch]) => patch)],
        rows,
        {
          folded: true,
          note:
            "Means over heads and samples. Factored and spatial weights are real numbers of any sign and do not sum " +
            "to 1.",
        },
      );
    });
  });
}

function answerOf(
  { runs, lengths, reference }: WavefunctionMeasurements,
  { extents, j2 }: WavefunctionOptions,
): string {
  if (runs.length === 0) {
    const all = lengths.map((run) => `${run.extents[0]} sites ${rhos(run)}`).join("; ");
    return [`ρ of softmax attention on chains: ${all}.`, ...exponentWords(lengths)].join(" ");
  }
  const title = `${extents.join(" × ")} sites, J2 = ${j2}`;
  const stopped = runs.filter(({ finished }) => !finished).length;
  const parts = attentionNames.flatMap((attention) => {
    const own = runs.filter((run) => run.attention === attention && run.finished);
    if (own.length === 0) return [];
    const energies = own.map(energyOf);
    const worst = Math.max(...energies);
    const error =
      reference === undefined
        ? ""
        : `, relative error ${own.length > 1 ? "at most " : ""}${formatNumber(relative(worst, reference.energy), 2)}`;
    const rho = attention === "softmax" ? `, ρ by layer ${own.map(rhos).join("; ")}` : "";
    const range = `${Math.min(...energies).toFixed(6)} to ${worst.toFixed(6)} over ${own.length} seeds`;
    const energy = own.length > 1 ? range : `${bar(own[0])}, one seed`;
    return [`${words[attention]}: energy per site ${energy}${error}, ${own[0].parameters} parameters${rho}`];
  });
  const wanted =
    reference === undefined
      ? " No reference energy is known here."
      : ` Reference ${reference.energy.toFixed(6)} (${reference.source}).`;
  const rest =
    stopped === 0 ? [] : [`${stopped} ${stopped > 1 ? "optimisations" : "optimisation"} stopped, not counted`];
  return `${title}: ${[...parts, ...rest].join("; ")}.${wanted}`;
}

/** Tables and figures of the study. */
export function report(measurements: WavefunctionMeasurements, options: WavefunctionOptions): Report {
  const { runs, reference, lengths } = measurements;
  const { width, hidden, heads, layers, patch, sampling, projection, refinement, signs, precision, shift, momentum } =
    options;
  const rates = schedulesOf(options)
    .map((part) => [...new Set([part.start, part.end])].join(" falling to "))
    .join(", in the last steps ");
  const refined = refinement > 0 ? `, in the last ${refinement} steps ${projected["space-group"]}` : "";
  const blocks: Block[] = [
    paragraph(
      `The ansatz of Rende & Viteritti, arXiv 2405.18874: patches of ${patch} sites along each axis, width ` +
        `${width}, feed-forward width ${hidden}, ${heads} heads, ${layers} layer${layers > 1 ? "s" : ""}, ` +
        "complex log ψ, " +
        `${signs === "none" ? "no sign rule imposed" : "with Marshall's sign rule"}, ` +
        `${projected[projection]}${refined}. ` +
        `Means are ${sampled[sampling](options)}; stochastic reconfiguration, shift ` +
        `${shift}, momentum ${momentum}, ` +
        `learning rate ${rates}. On the CPU, log ψ and its derivatives are in ${precision}. The wave ` +
        "functions differ only in attention.",
    ),
  ];
  if (runs.length > 0) blocks.push(runTable(runs, reference?.energy, options), curves(runs, reference?.energy));
  if (runs.some(({ attention }) => attention === "softmax")) blocks.push(dependenceFigure(runs));
  if (lengths.length > 0) blocks.push(...lengthBlocks(lengths, options));
  blocks.push(...mapTables(runs));
  return { answer: answerOf(measurements, options), blocks };
}

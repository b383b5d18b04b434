import { median } from "../../numerics/averages.js";
import { formatNumber, type Block, type Presentation } from "../report/presentation.js";
import type { Results } from "../runner/study.js";
import type { DynamicsConfiguration, ExperimentName } from "./configuration.js";
import { convergedFigure, outcomeFigure, outcomes } from "./figures.js";
import { convergedShare, grouped, ofTrials, type Group } from "./groups.js";
import { equalValuesTable, matricesTable, scaleTable, seedTable } from "./tables.js";
import type { DynamicsMeasurements } from "./trial.js";

const shares = (groups: readonly Group[]): string => groups.map(({ kernel, trials }) => `${kernel} ${ofTrials(convergedShare(trials))}`).join(", ");

/** When runs of an experiment end, and how large they are. */
function terms({ experiments }: DynamicsConfiguration, name: ExperimentName): string {
  const { heads, seeds, steps, tolerance } = experiments[name];
  return `${heads} heads, ${seeds} seeds, at most ${steps} steps; converged: the loss is at most ${tolerance.toExponential(0)} of its start.`;
}

function matricesBlocks(groups: readonly Group[], configuration: DynamicsConfiguration): Block[] {
  if (groups.length === 0) return [];
  const { query, key, value } = configuration.experiments.matrices.scales[0];
  const queries = groups.filter(({ subset }) => subset === "{Q}");
  const seeds = Object.entries(outcomes(queries)).map(([outcome, own]) => `${outcome} ${own.length === 0 ? "on none" : `on ${own.join(", ")}`}`);
  const data = "Random values, targets of norm 1.";
  return [
    { kind: "heading", text: "Three matrices" },
    {
      kind: "paragraph",
      text: `Standard normal inputs and weights, W^Q and W^K of scale ${query} and ${key}, W^V ${value}; targets of norm ‖Y‖ = 1. ${terms(configuration, "matrices")} Every kernel and subset has the same data and initial weights for a seed.`,
    },
    matricesTable(groups),
    convergedFigure(groups),
    ...(queries.length === 0 ? [] : [seedTable(queries)]),
    ...(queries.length === 0 ? [] : [{ kind: "paragraph", text: `W^Q alone, by seed: ${seeds.join("; ")}.` } as const]),
    ...outcomeFigure(queries, { name: "query-both", title: "W^Q alone: both converge", outcome: "both", data }),
    ...outcomeFigure(queries, { name: "query-gaussian-alone", title: "W^Q alone: the Gaussian converges, softmax does not", outcome: "gaussian alone", data }),
    ...outcomeFigure(queries, { name: "query-softmax-alone", title: "W^Q alone: softmax converges, the Gaussian does not", outcome: "softmax alone", data }),
  ];
}

function equalValuesBlocks(groups: readonly Group[], configuration: DynamicsConfiguration): Block[] {
  if (groups.length === 0) return [];
  return [
    { kind: "heading", text: "W^Q alone, equal values" },
    {
      kind: "paragraph",
      text:
        "Tokens of a sample share the first half of their columns, and W^V reads these alone: all value rows of a sample are equal. A row-normalised kernel then gives that " +
        `value whatever its weights are, and T4 proves that W^Q has no gradient. All kernels take the Gaussian's step size. ${terms(configuration, "equalValues")}`,
    },
    equalValuesTable(groups),
    ...outcomeFigure(groups, {
      name: "equal-values",
      title: "W^Q alone, equal values: the Gaussian converges, softmax cannot",
      outcome: "gaussian alone",
      data: "Equal value rows, the same step size.",
    }),
  ];
}

/** Median ratio and converged runs of every row of scales, from the largest ratio to the smallest. */
function ratios(groups: readonly Group[]): string {
  const rows = new Map<string, Group[]>();
  for (const group of groups) {
    const name = `W^V ${group.scales.value}, W^Q and W^K ${group.scales.query}`;
    rows.set(name, [...(rows.get(name) ?? []), group]);
  }
  const described = [...rows].flatMap(([name, own]) => {
    const ratio = median(own.flatMap(({ trials }) => trials.map(({ queryKeyOverValue }) => queryKeyOverValue)));
    return ratio === undefined ? [] : [{ ratio, text: `${formatNumber(ratio)} (${name}): ${shares(own)}` }];
  });
  return described.sort((a, b) => b.ratio - a.ratio).map(({ text }) => text).join("; ");
}

function scaleBlocks(groups: readonly Group[], configuration: DynamicsConfiguration): Block[] {
  if (groups.length === 0) return [];
  return [
    { kind: "heading", text: "W^V against W^Q and W^K" },
    {
      kind: "paragraph",
      text: `Targets at distance ‖r_0‖ = 1 from the outputs at the start, so that every row begins equally far from its goal. ${terms(configuration, "valueScale")}`,
    },
    scaleTable(groups),
    {
      kind: "paragraph",
      text:
        "Two accounts of arXiv 2411.07538 disagree on whether the ratio of the extreme singular values of W^Q, W^K and of W^V must lie below a threshold or above it; they agree if their " +
        `ratios are reciprocal. Measured, from the largest median σ_max(W^Q, W^K) / σ_min(W^V) to the smallest: ${ratios(groups)}.`,
    },
  ];
}

/** Tables and figures of the study, from its results alone. */
export function present({ measurements, configuration }: Results<DynamicsConfiguration, DynamicsMeasurements>): Presentation {
  const title = "Training dynamics: which of W^Q, W^K, W^V decides";
  if (!measurements || measurements.trials.length === 0) return { title, answer: "The study was stopped before its first result.", blocks: [] };
  const { trials } = measurements;
  const { samples, tokens, width, outputWidth } = configuration;
  const [matrices, equalValues, valueScale] = [grouped(trials, "matrices"), grouped(trials, "equalValues"), grouped(trials, "valueScale")];
  const text =
    `A single attention layer (D = ${width}, d_o = ${outputWidth}) fits ${samples} random samples of ${tokens} tokens by plain gradient descent in float64, ` +
    "with steps of 1/(2σ_max(J)²), J the Jacobian in what trains at the start.";
  const answers = [
    `${ofTrials(convergedShare(matrices.flatMap((group) => group.trials)))} runs of the three matrices converged; with W^Q alone: ${shares(matrices.filter(({ subset }) => subset === "{Q}")) || "not run"}.`,
    equalValues.length === 0 ? "" : `With W^Q alone where all values are equal: ${shares(equalValues)}.`,
  ];
  return {
    title,
    answer: answers.join(" ").trim(),
    blocks: [{ kind: "paragraph", text }, ...matricesBlocks(matrices, configuration), ...equalValuesBlocks(equalValues, configuration), ...scaleBlocks(valueScale, configuration)],
  };
}

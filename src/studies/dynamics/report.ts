import { median } from "../../numerics/averages.js";
import { formatNumber, heading, paragraph, type Block, type Report } from "../report/report.js";
import { convergedFigure, outcomeFigure, outcomes } from "./figures.js";
import { convergedShare, grouped, ofTrials, type Group } from "./groups.js";
import type { DynamicsOptions, ExperimentName } from "./options.js";
import { equalValuesTable, matricesTable, scaleTable, seedTable } from "./tables.js";
import { provedAnswer, provedFigure, provedTable, startsTable } from "./proofs.js";
import type { StartShare } from "./starts.js";
import type { DynamicsMeasurements } from "./measurements.js";

const shares = (groups: readonly Group[]): string =>
  groups.map(({ kernel, trials }) => `${kernel} ${ofTrials(convergedShare(trials))}`).join(", ");

/** Size and stopping rule of an experiment's runs. */
function terms({ experiments }: DynamicsOptions, name: ExperimentName): string {
  const { heads, seeds, steps, tolerance } = experiments[name];
  return (
    `${heads} heads, ${seeds} seeds, at most ${steps} steps; converged: the loss is at most ` +
    `${tolerance.toExponential(0)} of its initial value.`
  );
}

function matricesBlocks(groups: readonly Group[], options: DynamicsOptions): Block[] {
  if (groups.length === 0) return [];
  const { query, key, value } = options.experiments.matrices.scales[0];
  const queries = groups.filter(({ subset }) => subset === "{Q}");
  const seeds = Object.entries(outcomes(queries)).map(
    ([outcome, own]) => `${outcome} ${own.length === 0 ? "on none" : `on ${own.join(", ")}`}`,
  );
  const data = "Random values, targets of norm 1.";
  return [
    heading("Three matrices"),
    paragraph(
      `Standard normal inputs and weights, W^Q and W^K of scale ${query} and ${key}, W^V ${value}; targets ` +
        `of norm ‖Y‖ = 1. ${terms(options, "matrices")} Every kernel and subset has the same data and initial ` +
        "weights for a seed.",
    ),
    matricesTable(groups),
    convergedFigure(groups),
    provedTable(groups),
    provedFigure(groups),
    ...(queries.length === 0 ? [] : [seedTable(queries)]),
    ...(queries.length === 0 ? [] : [paragraph(`W^Q alone, by seed: ${seeds.join("; ")}.`)]),
    ...outcomeFigure(queries, { name: "query-both", title: "W^Q alone: both converge", outcome: "both", data }),
    ...outcomeFigure(queries, {
      name: "query-gaussian-alone",
      title: "W^Q alone: the Gaussian converges, softmax does not",
      outcome: "gaussian alone",
      data,
    }),
    ...outcomeFigure(queries, {
      name: "query-softmax-alone",
      title: "W^Q alone: softmax converges, the Gaussian does not",
      outcome: "softmax alone",
      data,
    }),
  ];
}

function equalValuesBlocks(groups: readonly Group[], options: DynamicsOptions): Block[] {
  if (groups.length === 0) return [];
  return [
    heading("W^Q alone, equal values"),
    paragraph(
      "Tokens of a sample share the first half of their columns, and W^V reads only these, so all value " +
        "rows of a sample are equal. A row-normalised kernel then returns this " +
        "value whatever its weights are, and T4 proves that W^Q has no gradient. All kernels use the " +
        `Gaussian's step size. ${terms(options, "equalValues")}`,
    ),
    equalValuesTable(groups),
    ...outcomeFigure(groups, {
      name: "equal-values",
      title: "W^Q alone, equal values: the Gaussian converges, softmax cannot",
      outcome: "gaussian alone",
      data: "Equal value rows, the same step size.",
    }),
  ];
}

/** Median ratio and converged runs for every choice of scales, in descending order of the ratio. */
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
  return described
    .sort((a, b) => b.ratio - a.ratio)
    .map(({ text }) => text)
    .join("; ");
}

function scaleBlocks(groups: readonly Group[], options: DynamicsOptions): Block[] {
  if (groups.length === 0) return [];
  return [
    heading("W^V against W^Q and W^K"),
    paragraph(
      "Targets at distance ‖r_0‖ = 1 from the outputs at the start, so that every row starts equally far " +
        `from its targets. ${terms(options, "valueScale")}`,
    ),
    scaleTable(groups),
    paragraph(
      "Two accounts of arXiv 2411.07538 disagree on whether the ratio of the extreme singular values of " +
        "W^Q, W^K and of W^V must lie below a threshold or above it; they agree if their " +
        "ratios are reciprocal. Measured, from the largest median σ_max(W^Q, W^K) / σ_min(W^V) to the " +
        `smallest: ${ratios(groups)}.`,
    ),
  ];
}

function startBlocks(starts: readonly StartShare[], options: DynamicsOptions): Block[] {
  if (starts.length === 0) return [];
  return [
    heading("W^Q alone, proved at the start"),
    paragraph(
      `Inputs and targets as for the three matrices, ${options.startDraws} random starts of mirrored heads each, ` +
        "with W^Q and W^K of scale 0.5, W^V 3 and W^O 1. No start is trained: T2 is applied to it, " +
        "with proved constants.",
    ),
    startsTable(starts),
  ];
}

/** Tables and figures of the study. */
export function report({ trials, starts }: DynamicsMeasurements, options: DynamicsOptions): Report {
  const { samples, tokens, width, outputWidth } = options;
  const [matrices, equalValues, valueScale] = [
    grouped(trials, "matrices"),
    grouped(trials, "equalValues"),
    grouped(trials, "valueScale"),
  ];
  const introduction = paragraph(
    `A single attention layer (D = ${width}, d_o = ${outputWidth}) fits ${samples} random samples of ` +
      `${tokens} tokens by plain gradient descent in float64, ` +
      "with step size 1/(2σ_max(J)²), where J is the initial Jacobian of the outputs with respect to the " +
      "trained weights.",
  );
  const answers = [
    `${ofTrials(convergedShare(matrices.flatMap((group) => group.trials)))} runs of the three matrices ` +
      "converged; with W^Q alone: " +
      `${shares(matrices.filter(({ subset }) => subset === "{Q}")) || "not run"}.`,
    `On the way, success was proved in ${provedAnswer(matrices)}.`,
    equalValues.length === 0 ? "" : `With W^Q alone where all values are equal: ${shares(equalValues)}.`,
  ];
  return {
    answer: answers.join(" ").trim(),
    blocks: [
      introduction,
      ...matricesBlocks(matrices, options),
      ...equalValuesBlocks(equalValues, options),
      ...scaleBlocks(valueScale, options),
      ...startBlocks(starts, options),
    ],
  };
}

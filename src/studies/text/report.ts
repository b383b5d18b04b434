import { meanInterval } from "../../numerics/mean-interval.js";
import { accuracyFigure } from "../comparison/figures.js";
import { monitorBlocks } from "../comparison/monitor.js";
import { rateTable, rateWords, type RatedRun } from "../comparison/rates.js";
import { byKernel, completeRuns, lastAccuracies, UNFINISHED } from "../comparison/runs.js";
import { speedFigure, speedStatements, speedTable } from "../comparison/speed.js";
import { accuracyTable, statements } from "../comparison/tables.js";
import type { DataSummary } from "../corpus/dataset.js";
import { formatPercent, paragraph, type Report } from "../report/report.js";
import type { OptimizerName } from "../training/train.js";
import type { TextOptions } from "./options.js";

export interface TextMeasurements {
  /** The texts of every seed, those of the trials included. */
  readonly data: readonly DataSummary[];
  /** Trainings on other seeds, from which the learning rates follow. */
  readonly trials: readonly RatedRun[];
  readonly runs: readonly RatedRun[];
}

const optimizers: Readonly<Record<OptimizerName, string>> = {
  sgd: "stochastic gradient descent with momentum 0.9",
  adam: "Adam",
};

function introduction(
  [{ name, train, test, leftOut }]: readonly DataSummary[],
  { unit, tokens, layers, width, hidden, heads, batch, epochs, optimizer, rates }: TextOptions,
): string {
  return (
    `${name}: ${train} texts to train on and ${test} to test on, stratified, another split for every ` +
    `seed; ${leftOut} texts without ${unit} or with the same first ${tokens} ` +
    `${unit} as another were left out. An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ` +
    `${heads} heads, mean pooling) reads the first ${tokens} ${unit}; ${optimizers[optimizer]}, ` +
    `${rateWords({ rates })}, ${epochs} epochs in batches of ${batch}. ` +
    "For a seed every kernel has the same texts, start, batches and number of steps."
  );
}

/** Tables and figures of the study. */
export function report({ data, trials, runs }: TextMeasurements, options: TextOptions): Report {
  const complete = completeRuns(runs, options.epochs);
  const tried = completeRuns(trials, options.epochs);
  const intro = [
    paragraph(introduction(data, options)),
    ...(tried.length === 0 ? [] : [rateTable(tried, options, data[0].classes.length)]),
  ];
  if (complete.length === 0) return { answer: UNFINISHED, blocks: intro };
  const [{ test, classes }] = data;
  const always =
    "always answering the most frequent class: " +
    `${formatPercent(meanInterval(data.map(({ majority }) => majority)).mean)}`;
  const caution =
    "Splits of one corpus share texts, so the seeds are not quite independent, and both intervals are " +
    "somewhat too narrow.";
  const accuracies = statements(complete);
  const speeds = speedStatements(complete, classes.length);
  const means = [...byKernel(complete)].map(
    ([kernel, own]) => `${kernel} ${formatPercent(meanInterval(lastAccuracies(own)).mean)}`,
  );
  return {
    answer: `Test accuracy: ${means.join(", ")} (${always}). ${[...accuracies, ...speeds].join(" ")}`.trim(),
    blocks: [
      ...intro,
      accuracyTable(complete, { test, examples: "texts", baseline: `For comparison, ${always}. ${caution}` }),
      ...accuracies.map(paragraph),
      speedTable(complete, classes.length),
      ...speeds.map(paragraph),
      accuracyFigure(complete, "Text", "texts"),
      speedFigure(complete, "Text"),
      ...monitorBlocks(runs),
    ],
  };
}

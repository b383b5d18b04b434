import { meanInterval } from "../../numerics/mean-interval.js";
import { curveFigures } from "../comparison/figures.js";
import { byKernel, completeRuns, lastAccuracies } from "../comparison/runs.js";
import { accuracyTable, statements } from "../comparison/tables.js";
import { formatPercent, type Block, type Presentation } from "../report/presentation.js";
import type { Results } from "../runner/study.js";
import type { TextConfiguration } from "./configuration.js";
import type { TextMeasurements } from "./measurements.js";

/** Tables and figures of the study, from its results alone. */
export function present({ measurements, configuration }: Results<TextConfiguration, TextMeasurements>): Presentation {
  const title = "Text: softmax and Gaussian attention over seeds";
  if (!measurements || measurements.runs.length === 0) return { title, answer: "The study was stopped before its first result.", blocks: [] };
  const { data, runs } = measurements;
  const { unit, tokens, layers, width, hidden, heads, batch, epochs, learningRate } = configuration;
  const complete = completeRuns(runs, epochs);
  const [{ name, train, test, leftOut }] = data;
  const majority = data.map((own) => own.majority);
  const always = `always answering the most frequent class: ${formatPercent(meanInterval(majority).mean)}`;
  const blocks: Block[] = [
    {
      kind: "paragraph",
      text:
        `${name}: ${train} texts to train on and ${test} to test on, stratified, another split for every seed; ${leftOut} texts without ${unit} or with the same first ${tokens} ` +
        `${unit} as another were left out. An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, mean pooling) reads the first ${tokens} ${unit}; stochastic gradient ` +
        `descent with momentum 0.9, learning rate ${learningRate}, ${epochs} epochs in batches of ${batch}. For a seed every kernel has the same texts, start, batches and number of steps.`,
    },
    ...(complete.length === 0 ? [] : [accuracyTable(complete, { test, examples: "texts", baseline: `For comparison, ${always}. Splits of one corpus share texts: the seeds are not quite independent, and both intervals are somewhat too narrow.` })]),
    ...statements(complete).map((statement): Block => ({ kind: "paragraph", text: statement })),
    ...curveFigures(runs, "Text", "texts"),
  ];
  if (complete.length === 0) return { title, answer: "The study was stopped before a model was trained to its end.", blocks };
  const means = [...byKernel(complete)].map(([kernel, own]) => `${kernel} ${formatPercent(meanInterval(lastAccuracies(own)).mean)}`);
  return { title, answer: `Test accuracy: ${means.join(", ")} (${always}). ${statements(complete).join(" ")}`.trim(), blocks };
}

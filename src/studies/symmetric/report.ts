import { meanInterval } from "../../numerics/mean-interval.js";
import { bertSizes, countBertParameters } from "../../weights/parameter-count.js";
import { bands, BAND } from "../comparison/bands.js";
import { monitorBlocks } from "../comparison/monitor.js";
import { byKernel, completeRuns, paired, UNFINISHED } from "../comparison/runs.js";
import { between, pairColumns } from "../comparison/tables.js";
import type { WindowSummary } from "../corpus/window-data.js";
import { encoderKernel } from "../kernels.js";
import { figure, paragraph, table, type Figure, type Report, type Table } from "../report/report.js";
import { maskedCount } from "../training/masking.js";
import type { SymmetricOptions } from "./options.js";
import {
  compareSteps,
  PLATEAU,
  plateauRatio,
  plateauSteps,
  stepsAfter,
  type StepComparison,
  type SymmetricRun,
} from "./steps.js";

/** Numbers of parameters in Courtois et al., arXiv 2406.06366. */
const PUBLISHED = {
  base: { softmax: 124_645_632, pairwise: 118_148_352, symmetric: 117_558_528 },
  small: { softmax: 38_872_576, pairwise: 37_953_024, symmetric: 37_821_952 },
} as const;

/** The ratio of steps that the paper claims for pairwise attention. */
const CLAIM = 0.5;

/** Comparison of a kernel with the first one. */
interface Comparison {
  readonly kernel: string;
  readonly steps: readonly StepComparison[];
}

const loss = (value: number): string => value.toFixed(3);
const steps = (value: number): string => value.toFixed(0);
const ratio = (value: number): string => value.toFixed(2);
const whole = (value: number): string => value.toLocaleString("en");
const lastLoss = ({ epochs }: SymmetricRun): number => epochs[epochs.length - 1].testLoss;

function lossTable(runs: readonly SymmetricRun[], reference: string, note: string): Table {
  const rows = [...byKernel(runs)].map(([kernel, own]) => {
    const held = meanInterval(own.map(lastLoss));
    const trained = meanInterval(own.map(({ epochs }) => epochs[epochs.length - 1].trainLoss));
    const difference =
      kernel === reference
        ? undefined
        : paired(runs, kernel, reference, (run, other) => lastLoss(run) - lastLoss(other));
    const compared = difference === undefined ? "–" : `${loss(difference.mean)} (${between(difference, loss)})`;
    const seeds = own.map(({ seed }) => seed).join(", ");
    return [
      kernel,
      seeds,
      loss(held.mean),
      between(held, loss),
      compared,
      loss(trained.mean),
      whole(own[0].parameters),
      whole(own[0].attentionParameters),
    ];
  });
  const columns = [
    "kernel",
    "seeds",
    "held out",
    "95 % interval",
    `minus ${reference}`,
    "training loss, last epoch",
    "parameters",
    "of these in attention",
  ];
  return table("Masked-word loss after the last epoch, in nats", columns, rows, { summary: true, note });
}

function stepTable(comparisons: readonly Comparison[], reference: string): Table {
  const rows = comparisons.flatMap(({ kernel, steps: found }) =>
    found.map(({ level, steps: own, reference: other, ratio: over }) => [
      kernel,
      loss(level),
      steps(own),
      steps(other),
      ratio(over.mean),
      between(over, ratio),
    ]),
  );
  return table(
    `Steps to held-out losses that a kernel and ${reference} both reached`,
    ["kernel", "loss (mean)", "steps", `steps of ${reference}`, "ratio", "95 % interval"],
    rows,
    {
      summary: true,
      note:
        "Every seed has its own windows and its own three losses: one third, two thirds and all of the way from " +
        "the unigram baseline to the least loss that both reached. Losses and steps are means over seeds, " +
        "with straight lines between epochs. The ratio is the geometric mean over paired seeds, with " +
        "Student's interval of the logarithm.",
    },
  );
}

/** Steps until each kernel left the plateau, and their ratios to those of every kernel. */
function plateauTable(runs: readonly SymmetricRun[], frequencyLoss: (seed: number) => number): Table {
  const groups = [...byKernel(runs)];
  const kernels = groups.map(([kernel]) => kernel);
  const ratios = pairColumns(kernels, (kernel, other) => plateauRatio(runs, kernel, other, frequencyLoss), ratio);
  const rows = groups.map(([kernel, own]) => {
    const found = own.flatMap((run) => plateauSteps(run, frequencyLoss(run.seed)) ?? []);
    const mean = found.length === 0 ? "–" : steps(meanInterval(found).mean);
    return [kernel, `${found.length} of ${own.length}`, mean, ...ratios(kernel)];
  });
  return table(
    "Steps to leave the plateau",
    ["kernel", "runs that left it", "steps (mean)", ...kernels.map((kernel) => `ratio to ${kernel}`)],
    rows,
    {
      summary: true,
      note:
        `A run leaves the plateau when its held-out loss falls below ${100 * PLATEAU} % of the unigram baseline's, ` +
        "on straight lines between epochs; one that is there after the first epoch counts with all steps of it, an " +
        "upper bound. Ratios are geometric means over the seeds on which both kernels left it, with " +
        "Student's interval of the logarithm.",
    },
  );
}

export function publishedTable(): Table {
  const rows = (["base", "small"] as const).flatMap((size) =>
    Object.entries(PUBLISHED[size]).map(([kernel, published]) => [
      size,
      kernel,
      whole(published),
      whole(countBertParameters(encoderKernel(kernel), bertSizes[size]).total),
    ]),
  );
  return table("Parameters of the paper's models", ["size", "kernel", "published", "counted here"], rows, {
    note:
      "RoBERTa's vocabulary of 50,265 and 514 positions, with biases and pooler, without the language-model " +
      "head. Published: Courtois et al., arXiv 2406.06366.",
  });
}

function curve(
  runs: readonly SymmetricRun[],
  name: "held-out" | "training",
  field: "testLoss" | "trainLoss",
  words: string,
): Figure {
  const series = bands(
    runs,
    (epoch) => stepsAfter(runs[0], epoch),
    ({ epochs }) => epochs.map((epoch) => epoch[field]),
  );
  return figure(
    `${name}-loss`,
    `Masked words: ${name} loss over steps`,
    { kind: "lines", series, xLabel: "steps", yLabel: "cross-entropy (nats)", dots: true },
    `${words} ${BAND}`,
  );
}

/** The ratio of steps at the least common loss, for each kernel, in words. */
function statements(comparisons: readonly Comparison[], reference: string): string[] {
  return comparisons.map(({ kernel, steps: found }) => {
    if (found.length === 0)
      return (
        `Some run of ${kernel} or ${reference} stayed above the unigram baseline, so they cannot be compared: ` +
        "train longer."
      );
    const { level, ratio: over } = found[found.length - 1];
    const claim = kernel.startsWith("pairwise")
      ? ` (the paper claims about ${CLAIM}, on models and texts of another scale)`
      : "";
    return (
      `To the held-out loss that both reached (mean ${loss(level)}) ${kernel} took ${ratio(over.mean)} ` +
      `times the steps of ${reference}${claim}, 95 % interval ${between(over, ratio)}, ${over.count} paired ` +
      "seeds."
    );
  });
}

/** Tables and figures of the study. */
export function report(
  { data, runs }: { readonly data: readonly WindowSummary[]; readonly runs: readonly SymmetricRun[] },
  options: SymmetricOptions,
): Report {
  const { task, kernels, tokens, layers, width, hidden, heads, norm, spread, batch, epochs, learningRate, warmup } =
    options;
  const complete = completeRuns(runs, epochs);
  const frequencies = meanInterval(data.map(({ frequencyLoss }) => frequencyLoss)).mean;
  const [{ name, train, test, vocabulary }] = data;
  const shared = runs.filter((run) => run.epochs.length > 0);
  const introduction = paragraph(
    (task === "texts"
      ? `${name}: ${train} windows of ${tokens} words to train on and ${test} of other texts to test on, ` +
        "another split for every seed, "
      : `${name}: ${train} windows of ${tokens} words to train on, new ones in every epoch, and ${test} others to ` +
        "test on, words drawn by Zipf's law, ") +
      `${vocabulary} ids. Of every window ${maskedCount(tokens)} tokens, all ` +
      "known " +
      "words, are predicted: of ten, eight are masked, one is swapped and one stays, drawn anew in every " +
      `epoch. An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, ` +
      `norms ${norm === "pre" ? "before" : "after"} attention and feed-forward network, initial projections and ` +
      `feed-forward matrices of standard deviation ${spread}/√rows), Adam with rate ${learningRate}` +
      `${warmup === 0 ? "" : `, reached in ${warmup} steps`}, ${epochs} epochs in batches of ${batch}. For a seed ` +
      "every kernel has the same windows, masks, batches and number of steps, and draws its weights from the " +
      `same stream: embeddings are equal, later weights are different draws for kernels with fewer or more weights.`,
  );
  if (complete.length === 0) return { answer: UNFINISHED, blocks: [introduction] };
  const [reference] = kernels;
  const others = [...byKernel(complete).keys()].filter((kernel) => kernel !== reference);
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const baseline = (seed: number): number => data[seeds.indexOf(seed)].frequencyLoss;
  const comparisons = others.map((kernel) => ({
    kernel,
    steps: compareSteps(complete, kernel, reference, baseline),
  }));
  const found = complete.some(({ kernel }) => kernel === reference) ? statements(comparisons, reference) : [];
  const caution =
    "Differences are over paired seeds, with 95 % interval." +
    (task === "texts" ? " Splits of one corpus share texts, so the seeds are not quite independent." : "");
  const last = [...byKernel(complete)].map(
    ([kernel, own]) => `${kernel} ${loss(meanInterval(own.map(lastLoss)).mean)}`,
  );
  return {
    answer:
      `Held-out masked-word loss: ${last.join(", ")} (word frequencies: ${loss(frequencies)}). ` + `${found.join(" ")}`,
    blocks: [
      introduction,
      lossTable(complete, reference, `Unigram baseline (word frequencies alone): ${loss(frequencies)}. ${caution}`),
      ...(comparisons.every(({ steps: none }) => none.length === 0) ? [] : [stepTable(comparisons, reference)]),
      plateauTable(complete, baseline),
      ...found.map(paragraph),
      curve(
        shared,
        "held-out",
        "testLoss",
        "Mean cross-entropy of masked words in windows that are not trained on, after every epoch.",
      ),
      curve(shared, "training", "trainLoss", "Mean cross-entropy of an epoch's batches, each before its step."),
      ...monitorBlocks(runs),
    ],
  };
}

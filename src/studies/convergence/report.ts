import type { DataSummary } from "../corpus/dataset.js";
import {
  formatNumber,
  formatPercent,
  heading,
  paragraph,
  table,
  type Block,
  type Report,
  type Table,
} from "../report/report.js";
import { guaranteeFigure, accuracyFigure, lossFigure } from "./figures.js";
import type { ConvergenceMeasurements, GuaranteeRun, LearningRun } from "./measurements.js";
import { trainedName } from "./names.js";
import type { ConvergenceOptions } from "./options.js";

function guaranteeTable(runs: readonly GuaranteeRun[]): Table {
  const rows = runs.map((run) => [
    run.kernel,
    trainedName(run.trained),
    run.certified ? `${run.theorem}: certified` : "not certified",
    formatNumber(run.predictedRate),
    formatNumber(run.measuredRate),
    formatNumber(run.initialLoss),
    formatNumber(run.finalLoss),
    String(run.steps),
    run.bounded === undefined ? "–" : run.bounded ? "at every step" : "NO",
  ]);
  const columns = [
    "kernel",
    "trained",
    "guarantee",
    "rate predicted",
    "rate measured",
    "loss at start",
    "loss at end",
    "steps",
    "below its bound",
  ];
  return table("Single layer, gradient descent: guarantee and measurement", columns, rows, {
    summary: true,
    note:
      "Rate: fraction of the loss that a step removes (predicted: at least ημ in every step; measured: the mean). " +
      "All runs of a kernel use the same step size, T1's 1/L for its value weights. " +
      "Not certified means that no theorem here covers the run, not that it must fail.",
  });
}

/** An identifier of the library, in words and as it is: "nearly linear (nearlyLinear)". */
const inWords = (name: string): string => `${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} (${name})`;

function conditionTable(runs: readonly GuaranteeRun[]): Table {
  const verdict = { true: "holds", false: "fails", undetermined: "undetermined" } as const;
  const orNone = (value: number | null): string => (value === null ? "–" : formatNumber(value));
  const rows = runs
    .filter((run) => trainedName(run.trained) === "value only")
    .flatMap((run) =>
      run.conditions.map(({ name, holds, value, threshold, margin, note }) => [
        run.kernel,
        inWords(name),
        verdict[String(holds) as keyof typeof verdict],
        formatNumber(value),
        orNone(threshold),
        orNone(margin),
        note,
      ]),
    );
  return table(
    "Conditions, measured on the initial weights",
    ["kernel", "condition", "verdict", "value", "threshold", "margin", "meaning"],
    rows,
  );
}

function reasonTable(runs: readonly GuaranteeRun[]): Table {
  const rows = runs.map((run) => [
    run.kernel,
    trainedName(run.trained),
    run.theorem,
    run.certified ? "yes" : "no",
    formatNumber(run.stepSize),
    run.reason,
  ]);
  return table("Certificates", ["kernel", "trained", "theorem", "certified", "step size", "reason"], rows);
}

function learningTable(runs: readonly LearningRun[]): Table {
  const rows = runs.flatMap(({ kernel, epochs }) =>
    epochs.map(({ epoch, trainLoss, testLoss, testAccuracy, seconds }) => [
      kernel,
      String(epoch),
      trainLoss.toFixed(4),
      testLoss.toFixed(4),
      formatPercent(testAccuracy),
      seconds.toFixed(1),
    ]),
  );
  return table(
    "Encoder: loss and test accuracy after each epoch",
    ["kernel", "epoch", "train loss", "test loss", "test accuracy", "seconds"],
    rows,
    {
      summary: true,
      folded: true,
      note:
        "Losses are cross-entropies in nats; the train loss is the mean over the epoch's batches, each taken " +
        "before its step.",
    },
  );
}

function answerOf({ guarantee, learning, data }: ConvergenceMeasurements): string {
  const certified = guarantee
    .filter((run) => run.certified)
    .map((run) => `${run.kernel} (${trainedName(run.trained)})`);
  const fell = guarantee.filter((run) => run.finalLoss < run.initialLoss).length;
  const verdict =
    certified.length === 0 ? "No run was certified to converge" : `Certified to converge: ${certified.join(", ")}`;
  const theory = `${verdict}; the loss fell in ${fell} of ${guarantee.length} single-layer runs.`;
  const accuracies = learning.map(({ kernel, epochs }) => `${kernel} ${formatPercent(epochs.at(-1)!.testAccuracy)}`);
  if (accuracies.length === 0) return theory;
  return (
    `${theory} Test accuracy of the encoder: ${accuracies.join(", ")} (always answering the most frequent ` +
    `class: ${formatPercent(data.majority)}).`
  );
}

function guaranteeBlocks(runs: readonly GuaranteeRun[], options: ConvergenceOptions["guarantee"]): Block[] {
  if (runs.length === 0) return [];
  const { samples, tokens, width, heads } = options;
  return [
    heading("Part one: is it guaranteed?"),
    paragraph(
      "The single-layer model of arXiv 2411.07538, Ŷ = Σ_h S_h X W^V_h W^O_h with loss ½‖Ŷ - Y‖², on the " +
        `first ${tokens} tokens of ` +
        `${samples} training texts (embeddings of width ${width}, ${heads} heads), by plain gradient descent ` +
        "in float64 on the CPU backend. " +
        `W^O is fixed; "all" trains W^Q, W^K and W^V. The certificates T1 and T2 were derived for this ` +
        `library; they are not the paper's theorems.`,
    ),
    guaranteeTable(runs),
    guaranteeFigure(runs, options),
    reasonTable(runs),
    conditionTable(runs),
  ];
}

function learningBlocks(
  runs: readonly LearningRun[],
  data: DataSummary,
  { layers, width, hidden, heads, tokens, batch, learningRate }: ConvergenceOptions["learning"],
): Block[] {
  if (runs.length === 0) return [];
  return [
    heading("Part two: does it learn?"),
    paragraph(
      `An encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, mean pooling) ` +
        `reads the first ${tokens} tokens; Adam, learning rate ${learningRate}, batches of ${batch}. ` +
        "Both kernels start from the same weights and see the same batches.",
    ),
    learningTable(runs),
    lossFigure(runs, data),
    accuracyFigure(runs, data),
  ];
}

/** Tables and figures of the study. */
export function report(measurements: ConvergenceMeasurements, options: ConvergenceOptions): Report {
  const { data, guarantee, learning } = measurements;
  const introduction = paragraph(
    `Texts: ${data.name}; classes ${data.classes.join(", ")}; ${data.train} texts to train on and ` +
      `${data.test} to test on ` +
      `(stratified, seeded), ${data.vocabulary} token ids from the training part; ${data.leftOut} texts ` +
      "without words or with " +
      `the same first ${options.learning.tokens} words as another were left out.`,
  );
  return {
    answer: answerOf(measurements),
    blocks: [
      introduction,
      ...guaranteeBlocks(guarantee, options.guarantee),
      ...learningBlocks(learning, data, options.learning),
    ],
  };
}

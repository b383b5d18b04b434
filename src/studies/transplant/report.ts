import { BAND, bands } from "../comparison/bands.js";
import { byKernel, lastEpoch, paired } from "../comparison/runs.js";
import { between, meanWithInterval, statements } from "../comparison/tables.js";
import { figure, formatPercent, paragraph, table, type Report, type Table } from "../report/report.js";
import type { Evaluation, TransplantRun } from "./measurements.js";

interface Settings {
  readonly kernels: readonly string[];
  readonly tuning: number;
  readonly tuningRate: number;
  readonly batch: number;
  readonly model: string | undefined;
}

const loss = (value: number): string => value.toFixed(3);
/** A measure before the change of the kernel, after it, and after tuning. */
const cells = (
  runs: readonly TransplantRun[],
  of: (evaluation: Evaluation) => number,
  format: (value: number) => string,
): string[] =>
  [({ before }: TransplantRun) => before, ({ after }: TransplantRun) => after, lastEpoch].map((stage) =>
    meanWithInterval(
      runs.map((run) => of(stage(run))),
      format,
    ),
  );

function lossTable(runs: readonly TransplantRun[], reference: string): Table {
  const rows = [...byKernel(runs)].map(([kernel, own]) => {
    const difference = paired(
      runs,
      kernel,
      reference,
      (run, other) => lastEpoch(run).testLoss - lastEpoch(other).testLoss,
    );
    return [
      kernel,
      ...cells(own, ({ testLoss }) => testLoss, loss),
      kernel === reference || difference === undefined
        ? "–"
        : `${loss(difference.mean)} (${between(difference, loss)})`,
    ];
  });
  return table(
    "Test loss (nats), with Student's 95 % intervals over seeds",
    ["kernel", "before", "after the change", "after tuning", `minus the tuned ${reference}`],
    rows,
    { summary: true, note: "Differences are paired by seed: the same weights, examples and batches." },
  );
}

function accuracyTable(runs: readonly TransplantRun[]): Table {
  const rows = [...byKernel(runs)].map(([kernel, own]) => [
    kernel,
    ...cells(own, ({ testAccuracy }) => testAccuracy, formatPercent),
  ]);
  return table("Test accuracy", ["kernel", "before", "after the change", "after tuning"], rows, { summary: true });
}

/** Tables and figures of the study. */
export function report(runs: readonly TransplantRun[], { tuning, tuningRate, batch, model }: Settings): Report {
  const reference = runs[0].kernel;
  const lines = bands(
    runs,
    (place) => place,
    ({ after, epochs }) => [after.testLoss, ...epochs.map(({ testLoss }) => testLoss)],
  );
  const sentences = statements(runs);
  return {
    answer: sentences.join(" "),
    blocks: [
      paragraph(
        `${model ?? "An encoder with softmax, trained here"}: its weights with another kernel, and ${tuning} epochs ` +
          `of tuning of all weights (Adam, learning rate ${tuningRate}, batches of ${batch}). "${reference}" is the ` +
          "model with its own kernel, tuned as long.",
      ),
      lossTable(runs, reference),
      accuracyTable(runs),
      ...sentences.map(paragraph),
      figure(
        "tuning",
        "Test loss from the change of kernel on",
        { kind: "lines", series: lines, xLabel: "epochs of tuning", yLabel: "cross-entropy (nats)", dots: true },
        BAND,
      ),
    ],
  };
}

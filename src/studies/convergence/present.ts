import { formatNumber, formatPercent } from "../report/presentation.js";
import type { Block, Presentation, Table } from "../report/presentation.js";
import type { Results } from "../runner/study.js";
import type { ConvergenceConfiguration } from "./configuration.js";
import { guaranteeFigure, accuracyFigure, lossFigure } from "./figures.js";
import type { ConvergenceMeasurements, GuaranteeRun, LearningRun } from "./measurements.js";
import { trainedName } from "./names.js";

type ConvergenceResults = Results<ConvergenceConfiguration, ConvergenceMeasurements>;

function guaranteeTable(runs: readonly GuaranteeRun[]): Table {
  return {
    kind: "table",
    title: "Single layer, gradient descent: guaranteed, and what happened",
    summary: true,
    columns: ["kernel", "trained", "guarantee", "rate predicted", "rate measured", "loss at start", "loss at end", "steps", "below its bound"],
    rows: runs.map((run) => [
      run.kernel,
      trainedName(run.trained),
      run.certified ? `${run.theorem}: certified` : `not certified`,
      formatNumber(run.predictedRate),
      formatNumber(run.measuredRate),
      formatNumber(run.initialLoss),
      formatNumber(run.finalLoss),
      String(run.steps),
      run.bounded === undefined ? "–" : run.bounded ? "at every step" : "NO",
    ]),
    note:
      "Rate: fraction of the loss that a step removes (predicted: at least ημ in every step; measured: the mean). " +
      "All runs of a kernel use the same step size, T1's 1/L for its value weights. " +
      "Not certified means that no theorem here covers the run, not that it must fail.",
  };
}

function conditionTable(runs: readonly GuaranteeRun[]): Table {
  const verdict = { true: "holds", false: "fails", undetermined: "undetermined" } as const;
  return {
    kind: "table",
    title: "Conditions, measured on the initial weights",
    columns: ["kernel", "condition", "verdict", "value", "threshold", "margin", "in words"],
    rows: runs
      .filter((run) => trainedName(run.trained) === "value only")
      .flatMap((run) =>
        run.conditions.map(({ name, holds, value, threshold, margin, note }) => [
          run.kernel,
          name,
          verdict[String(holds) as keyof typeof verdict],
          formatNumber(value),
          threshold === null ? "–" : formatNumber(threshold),
          margin === null ? "–" : formatNumber(margin),
          note,
        ]),
      ),
  };
}

function reasonTable(runs: readonly GuaranteeRun[]): Table {
  return {
    kind: "table",
    title: "Certificates",
    columns: ["kernel", "trained", "theorem", "certified", "step size", "reason"],
    rows: runs.map((run) => [run.kernel, trainedName(run.trained), run.theorem, run.certified ? "yes" : "no", formatNumber(run.stepSize), run.reason]),
  };
}

function learningTable(runs: readonly LearningRun[]): Table {
  return {
    kind: "table",
    title: "Encoder: loss and test accuracy after each epoch",
    summary: true,
    columns: ["kernel", "epoch", "train loss", "test loss", "test accuracy", "seconds"],
    rows: runs.flatMap(({ kernel, epochs }) =>
      epochs.map((epoch) => [
        kernel,
        String(epoch.epoch),
        epoch.trainLoss.toFixed(4),
        epoch.testLoss.toFixed(4),
        formatPercent(epoch.testAccuracy),
        epoch.seconds.toFixed(1),
      ]),
    ),
    note: "Losses are cross-entropies in nats; the train loss is the mean over the epoch's batches, each taken before its step.",
  };
}

function answer({ measurements }: ConvergenceResults): string {
  if (!measurements) return "The study was stopped before its first result.";
  const { guarantee, learning, data } = measurements;
  const certified = guarantee.filter((run) => run.certified).map((run) => `${run.kernel} (${trainedName(run.trained)})`);
  const fell = guarantee.filter((run) => run.finalLoss < run.initialLoss).length;
  const theory = `${certified.length === 0 ? "No run was" : `Certified to converge: ${certified.join(", ")};`} ${
    certified.length === 0 ? "certified to converge;" : ""
  } the loss fell in ${fell} of ${guarantee.length} single-layer runs.`.replace(/\s+/g, " ");
  const accuracies = learning.map(({ kernel, epochs }) => `${kernel} ${formatPercent(epochs.at(-1)!.testAccuracy)}`);
  return accuracies.length === 0
    ? theory
    : `${theory} Test accuracy of the encoder: ${accuracies.join(", ")} (always answering the most frequent class: ${formatPercent(data.majority)}).`;
}

/** Tables and figures of the study, from its results alone. */
export function present(results: ConvergenceResults): Presentation {
  const { measurements, configuration } = results;
  const blocks: Block[] = [];
  if (measurements) {
    const { data, guarantee, learning } = measurements;
    const { samples, tokens, width, heads } = configuration.guarantee;
    blocks.push({
      kind: "paragraph",
      text:
        `Texts: ${data.name}; classes ${data.classes.join(", ")}; ${data.train} texts to train on and ${data.test} to test on ` +
        `(stratified, seeded), ${data.vocabulary} token ids from the training part; ${data.leftOut} texts without words or with ` +
        `the same first ${configuration.learning.tokens} words as another were left out.`,
    });
    if (guarantee.length > 0) {
      blocks.push(
        { kind: "heading", text: "Part one: is it guaranteed?" },
        {
          kind: "paragraph",
          text:
            `The single-layer model of arXiv 2411.07538, Ŷ = Σ_h S_h X W^V_h W^O_h with loss ½‖Ŷ - Y‖², on the first ${tokens} tokens of ` +
            `${samples} training texts (embeddings of width ${width}, ${heads} heads), by plain gradient descent in float64 on the CPU backend. ` +
            `W^O is fixed; "all" trains W^Q, W^K and W^V. The certificates T1 and T2 were derived for this library; they are not the paper's theorems.`,
        },
        guaranteeTable(guarantee),
        guaranteeFigure(guarantee, configuration),
        reasonTable(guarantee),
        conditionTable(guarantee),
      );
    }
    if (learning.length > 0) {
      const { layers, hidden, batch, learningRate } = configuration.learning;
      blocks.push(
        { kind: "heading", text: "Part two: does it learn?" },
        {
          kind: "paragraph",
          text:
            `An encoder of ${layers} layers (width ${configuration.learning.width}, hidden ${hidden}, ${configuration.learning.heads} heads, mean pooling) ` +
            `reads the first ${configuration.learning.tokens} tokens; Adam, learning rate ${learningRate}, batches of ${batch}. ` +
            "Both kernels start from the same weights and see the same batches.",
        },
        learningTable(learning),
        lossFigure(learning, data),
        accuracyFigure(learning, data),
      );
    }
  }
  return { title: "Does attention converge? Softmax and Gaussian kernels on text", answer: answer(results), blocks };
}

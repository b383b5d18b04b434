import { mean } from "../../numerics/averages.js";
import { meanInterval } from "../../numerics/mean-interval.js";
import { between, meanWithInterval, points, verdict } from "../comparison/tables.js";
import { dependenceFigure, frozenFigure, type FrozenCurve } from "../relevance/figures.js";
import type { Answers } from "../relevance/measure.js";
import { formatNumber, formatPercent, paragraph, table, type Report, type Table } from "../report/report.js";
import type { TrainedOptions } from "../training/trained.js";
import type { FreezeMeasurements, FrozenRun } from "./measurements.js";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
/** The heads of a layer in rising order of ρ: heads of different seeds have nothing but their rank in common. */
const ranked = ({ dependence }: FrozenRun, layer: number): number[] =>
  upTo(dependence[layer].length).sort((a, b) => dependence[layer][a] - dependence[layer][b]);

/** Answers of every run in two cells: accuracy, and points of accuracy that freezing adds. */
function accuracyCells(runs: readonly FrozenRun[], of: (run: FrozenRun) => Answers): string[] {
  const share = (run: FrozenRun): number => of(run).correct / run.count;
  const added = runs.map((run) => share(run) - run.plain.correct / run.count);
  return [meanWithInterval(runs.map(share), formatPercent), meanWithInterval(added, points)];
}

function headTable(runs: readonly FrozenRun[]): Table {
  const [{ dependence }] = runs;
  const rows = dependence.flatMap((heads, layer) =>
    upTo(heads.length).map((rank) => [
      String(layer),
      `${rank + 1} of ${heads.length}`,
      meanWithInterval(
        runs.map((run) => run.dependence[layer][ranked(run, layer)[rank]]),
        formatNumber,
      ),
      ...accuracyCells(runs, (run) => run.single[layer][ranked(run, layer)[rank]]),
    ]),
  );
  return table(
    "Every head: input dependence ρ, and accuracy with this head alone frozen",
    ["layer", "head, by rising ρ", "ρ", "accuracy", "points against none frozen"],
    rows,
    { summary: true, note: "ρ = Σ Var(α) / Σ mean(α)² over pairs; 0 if the weights do not depend on the input." },
  );
}

function layerTable(runs: readonly FrozenRun[]): Table {
  const row = (name: string, of: (run: FrozenRun) => Answers): string[] => {
    const [accuracy, added] = accuracyCells(runs, of);
    const losses = runs.map((run) => of(run).loss);
    return [name, meanWithInterval(losses, (value) => value.toFixed(3)), accuracy, name === "none" ? "–" : added];
  };
  return table(
    "All heads of a layer frozen, and all heads",
    ["frozen", "loss", "accuracy", "points against none frozen"],
    [
      row("none", ({ plain }) => plain),
      ...runs[0].layers.map((_, layer) => row(`layer ${layer}`, ({ layers }) => layers[layer])),
      row("all heads", ({ rising }) => rising[rising.length - 1]),
    ],
    {
      summary: true,
      note: "Cross-entropy in nats. Student's 95 % intervals over seeds; differences are paired by seed.",
    },
  );
}

function orderTable(runs: readonly FrozenRun[]): Table {
  const last = runs[0].rising.length - 1;
  return table(
    "Accuracy against the share of frozen heads",
    ["frozen heads", "least input-dependent first", "points", "most input-dependent first", "points"],
    runs[0].rising.map((_, frozen) => [
      `${frozen} of ${last}`,
      ...accuracyCells(runs, ({ rising }) => rising[frozen]),
      ...accuracyCells(runs, ({ falling }) => falling[frozen]),
    ]),
    { summary: true, note: "Points of accuracy against none frozen, paired by seed." },
  );
}

function curveOf(runs: readonly FrozenRun[], of: (run: FrozenRun) => readonly Answers[]): FrozenCurve {
  const means = of(runs[0]).map((_, at) => meanInterval(runs.map((run) => of(run)[at].correct / run.count)));
  const y = means.map((own) => own.mean);
  return runs.length < 2
    ? { y }
    : { y, band: { low: means.map(({ low }) => low), high: means.map(({ high }) => high) } };
}

/** Tables and figures of the study. */
export function report({ data, runs }: FreezeMeasurements, settings: TrainedOptions): Report {
  const { tokens, width, hidden, heads, layers, batch, epochs, learningRate } = settings;
  const [{ name, train, test }] = data;
  const counts = runs.map(({ count }) => count);
  const accuracies = (of: (run: FrozenRun) => Answers): number[] => runs.map((run) => of(run).correct / run.count);
  const [plain, frozen] = [accuracies((run) => run.plain), accuracies(({ rising }) => rising[rising.length - 1])];
  const added = meanInterval(frozen.map((own, at) => own - plain[at]));
  const ranks = runs[0].dependence.map((row, layer) =>
    row.map((_, rank) => mean(runs.map((run) => run.dependence[layer][ranked(run, layer)[rank]]))),
  );
  return {
    answer:
      `With all attention maps frozen to their means, accuracy is ${meanWithInterval(frozen, formatPercent)}, ` +
      `against ${meanWithInterval(plain, formatPercent)}: ${points(added.mean)} points (95 % interval ` +
      `${between(added, points)}, ${added.count} paired seeds): ${verdict("frozen", "not frozen", added)}.`,
    blocks: [
      paragraph(
        `${name}: an encoder of ${layers} layers (width ${width}, hidden ${hidden}, ${heads} heads, softmax, mean ` +
          `pooling), trained on the first ${tokens} words of ${train} texts with Adam (learning rate ` +
          `${learningRate}, batches of ${batch}, epochs: ${epochs}); every seed has its own split, start and order. ` +
          `Measured on those of ${test} other texts that have ${tokens} words or more, ${counts.join(", ")} by seed, ` +
          "so that no map depends on padding. Each head's map is replaced by its mean over these texts by position. " +
          "The question is that of arXiv 2405.18874.",
      ),
      headTable(runs),
      layerTable(runs),
      orderTable(runs),
      dependenceFigure(
        ranks,
        (rank) => `${rank + 1} of ${heads}`,
        "Variance of the attention weights over texts, by their squared means; mean over seeds. The heads of a layer " +
          "stand in rising order of ρ.",
      ),
      frozenFigure(
        curveOf(runs, ({ rising }) => rising),
        curveOf(runs, ({ falling }) => falling),
        "accuracy",
        "Mean over seeds; the bands are Student's 95 % intervals.",
      ),
    ],
  };
}

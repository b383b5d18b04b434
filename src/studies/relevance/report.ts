import { mean } from "../../numerics/averages.js";
import { proportion } from "../../numerics/proportion.js";
import { formatNumber, formatPercent, paragraph, table, type Report, type Table } from "../report/report.js";
import { dependenceFigure, frozenFigure, type FrozenCurve } from "./figures.js";
import type { Answers, RelevanceResult } from "./measure.js";

/** An accuracy with Wilson's 95 % interval. */
function accuracyOf({ correct }: Answers, count: number): string[] {
  return [formatPercent(correct / count), proportion(correct, count).interval.map(formatPercent).join(" to ")];
}

function frozenTable({ count, plain, single, layers, rising, hasLabels }: RelevanceResult): Table {
  const row = (name: string, answers: Answers): string[] => [
    name,
    formatNumber(answers.loss),
    ...accuracyOf(answers, count),
  ];
  const worst = (heads: readonly Answers[]): Answers =>
    heads.reduce((most, own) => (own.correct < most.correct ? own : most));
  return table(
    "Answers with heads frozen to their mean maps",
    ["frozen", "loss", hasLabels ? "accuracy" : "answers unchanged", "95 % interval"],
    [
      row("none", plain),
      ...layers.flatMap((answers, layer) => [
        row(`layer ${layer}, the head that matters most`, worst(single[layer])),
        row(`layer ${layer}, all heads`, answers),
      ]),
      row("all heads", rising[rising.length - 1]),
    ],
    {
      summary: true,
      note: `Cross-entropy in nats. The interval (Wilson) holds for this model on new inputs; ${count} inputs.`,
    },
  );
}

function dependenceTable({ dependence }: RelevanceResult): Table {
  return table(
    "Input dependence ρ by layer",
    ["layer", "mean ρ", "least", "most"],
    dependence.map((heads, layer) => [
      String(layer),
      formatNumber(mean(heads)),
      formatNumber(Math.min(...heads)),
      formatNumber(Math.max(...heads)),
    ]),
    { summary: true, note: "ρ = Σ Var(α) / Σ mean(α)² over pairs; 0 if the weights do not depend on the input." },
  );
}

/** Tables and figures of the study. */
export function report(result: RelevanceResult): Report {
  const { file, family, count, hasLabels, by, dependence, plain, rising, falling, single } = result;
  const heads = dependence.flat();
  const curve = (answers: readonly Answers[]): FrozenCurve => {
    const intervals = answers.map(({ correct }) => proportion(correct, count).interval);
    const band = { low: intervals.map(([low]) => low), high: intervals.map(([, high]) => high) };
    return { y: answers.map(({ correct }) => correct / count), band };
  };
  const what = hasLabels ? "accuracy" : "share of unchanged answers";
  const all = rising[rising.length - 1];
  const harmless = single.flat().filter(({ correct }) => correct >= plain.correct).length;
  return {
    answer:
      `ρ is ${formatNumber(Math.min(...heads))} to ${formatNumber(Math.max(...heads))} over ${heads.length} heads. ` +
      `With all maps frozen to their means, ${what} is ${formatPercent(all.correct / count)}, against ` +
      `${formatPercent(plain.correct / count)}; ${harmless} of ${heads.length} heads alone can be frozen without loss.`,
    blocks: [
      paragraph(
        `${file}: ${family}, ${count} inputs. Queries and keys matter if a head's attention map depends on the input ` +
          "(the question of arXiv 2405.18874). Each head's map is replaced by its mean over the inputs by " +
          `${by}${by === "offset" ? " j - i, as lengths differ" : ", as all have one length"}. ` +
          (hasLabels ? "" : "Without labels, the answers of the model as it is count as right."),
      ),
      dependenceTable(result),
      frozenTable(result),
      dependenceFigure(
        dependence,
        (head) => `head ${head}`,
        "Variance of the attention weights over inputs, by their squared means.",
      ),
      frozenFigure(curve(rising), curve(falling), what, "The bands are Wilson's 95 % intervals."),
    ],
  };
}

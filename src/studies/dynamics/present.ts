import { proportion } from "../../theory/proportion.js";
import { heatMap } from "../report/heat.js";
import { linePlot, palette, type Series } from "../report/lines.js";
import { formatNumber, formatPercent, type Block, type Figure, type Presentation, type Table } from "../report/presentation.js";
import type { Results } from "../study.js";
import type { DynamicsConfiguration } from "./configuration.js";
import type { DynamicsMeasurements, Trial } from "./trial.js";

const DEVICE = "the CPU backend in float64";
const colors = Object.values(palette);
const letters: Readonly<Record<string, string>> = { query: "Q", key: "K", value: "V", output: "O" };
const subsetName = ({ trained }: Trial): string => `{${trained.map((name) => letters[name]).join(", ")}}`;

/** Trials of one kernel and one subset. */
interface Group {
  readonly kernel: string;
  readonly subset: string;
  readonly trials: readonly Trial[];
}

function grouped(trials: readonly Trial[]): Group[] {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) {
    const name = `${subsetName(trial)} ${trial.kernel}`;
    groups.set(name, [...(groups.get(name) ?? []), trial]);
  }
  return [...groups.values()].map((own) => ({ kernel: own[0].kernel, subset: subsetName(own[0]), trials: own }));
}

const converged = ({ trials }: Group) => proportion(trials.filter((trial) => trial.converged).length, trials.length);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function table(groups: readonly Group[]): Table {
  return {
    kind: "table",
    title: "Three matrices: share of runs that converged",
    summary: true,
    columns: ["trained", "kernel", "converged", "95 % interval", "median steps", "median loss left", "certified", "median rate certified", "median rate measured"],
    rows: groups.map((group) => {
      const { successes, trials, interval } = converged(group);
      const steps = group.trials.filter((trial) => trial.converged).map((trial) => trial.steps);
      const rates = group.trials.flatMap(({ certifiedRate }) => (certifiedRate === null ? [] : [certifiedRate]));
      return [
        group.subset,
        group.kernel,
        `${successes} of ${trials}`,
        interval.map((end) => formatPercent(end)).join(" to "),
        steps.length === 0 ? "–" : formatNumber(median(steps)),
        formatNumber(median(group.trials.map(({ initialLoss, finalLoss }) => finalLoss / initialLoss))),
        `${rates.length} of ${trials}`,
        rates.length === 0 ? "–" : formatNumber(median(rates)),
        formatNumber(median(group.trials.map(({ measuredRate }) => measuredRate))),
      ];
    }),
    note: "Wilson's interval. A run that has not converged may have needed more steps. Not certified never means that a run must fail.",
  };
}

function convergedFigure(groups: readonly Group[]): Figure {
  const title = "Share of runs that converged";
  const cells = groups.map((group) => {
    const { share, successes, trials } = converged(group);
    return { x: group.subset, y: group.kernel, value: share, text: `${successes}/${trials}` };
  });
  return { kind: "figure", name: "converged", title, svg: heatMap(cells, { title, label: "share converged" }), caption: "By what trains (columns) and kernel (rows).", device: DEVICE };
}

/** At most about two hundred points of a run, the last among them. */
function thin(losses: readonly number[]): number[] {
  const every = Math.ceil(losses.length / 200);
  return Array.from(losses.keys()).filter((step) => step % every === 0 || step === losses.length - 1);
}

/** Curves of query-only training on the seed that `choose` picks, if there is one. */
function queryFigure(trials: readonly Trial[], name: string, title: string, choose: (softmax: Trial, gaussian: Trial) => boolean): Figure[] {
  const own = trials.filter((trial) => subsetName(trial) === "{Q}");
  const pick = (kernel: string, seed: number) => own.find((trial) => trial.kernel === kernel && trial.seed === seed);
  const seed = [...new Set(own.map((trial) => trial.seed))].find((candidate) => {
    const [softmax, gaussian] = [pick("softmax", candidate), pick("gaussian", candidate)];
    return softmax !== undefined && gaussian !== undefined && choose(softmax, gaussian);
  });
  if (seed === undefined) return [];
  const series = own.filter((trial) => trial.seed === seed).map(({ kernel, losses }, index): Series => {
    const steps = thin(losses);
    return { label: kernel, color: colors[index % colors.length], x: steps, y: steps.map((step) => losses[step] / losses[0]) };
  });
  const svg = linePlot(series, { title, xLabel: "step", yLabel: "loss, share of its start", logarithmic: true });
  return [{ kind: "figure", name, title, svg, caption: `Training W^Q alone on the problem of seed ${seed}: same data, same initial weights.`, device: DEVICE }];
}

/** Tables and figures of the study, from its results alone. */
export function present({ measurements, configuration }: Results<DynamicsConfiguration, DynamicsMeasurements>): Presentation {
  const title = "Training dynamics: which of W^Q, W^K, W^V decides";
  if (!measurements || measurements.trials.length === 0) return { title, answer: "The study was stopped before its first result.", blocks: [] };
  const { trials } = measurements;
  const groups = grouped(trials);
  const { samples, tokens, width, heads, steps, tolerance, scales } = configuration;
  const blocks: Block[] = [
    {
      kind: "paragraph",
      text:
        `A single attention layer (${heads} heads of width ${width}) fits ${samples} random samples of ${tokens} tokens by plain gradient descent in float64, ` +
        `at most ${steps} steps of size 1/(2σ_max(J)²), J the Jacobian in what trains at the start. Converged: the loss is below ${tolerance} of its start. ` +
        `Scales of W^Q ${scales.query}, W^K ${scales.key}, W^V ${scales.value}. Every kernel and subset has the same data and the same initial weights for a seed.`,
    },
    table(groups),
    convergedFigure(groups),
    ...queryFigure(trials, "query-gaussian-alone", "W^Q alone: the Gaussian converges, softmax does not", (softmax, gaussian) => !softmax.converged && gaussian.converged),
    ...queryFigure(trials, "query-both", "W^Q alone: both converge", (softmax, gaussian) => softmax.converged && gaussian.converged),
  ];
  const query = groups.filter(({ subset }) => subset === "{Q}").map((group) => `${group.kernel} ${converged(group).successes} of ${converged(group).trials}`);
  const all = proportion(trials.filter((trial) => trial.converged).length, trials.length);
  const answer = `${all.successes} of ${all.trials} runs converged.${query.length === 0 ? "" : ` With W^Q alone: ${query.join(", ")}.`}`;
  return { title, answer, blocks };
}

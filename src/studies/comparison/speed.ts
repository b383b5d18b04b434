import { geometricInterval, meanInterval, type MeanInterval } from "../../numerics/mean-interval.js";
import { figure, table, type Figure, type Table } from "../report/report.js";
import { BAND, bands } from "./bands.js";
import { byKernel, type ClassifierRun } from "./runs.js";
import { stepsTo, type CurvePoint } from "./steps.js";
import { between } from "./tables.js";

/** Batches over whose losses the training loss is averaged; those of an epoch if it has fewer. */
const SMOOTHED = 32;
/** The losses, as shares of that of a uniform guess, ln(classes). They depend on no run. */
const SHARES = [0.75, 0.5, 0.25];
/** The share at which kernels are judged. */
const DECISIVE = 0.5;
/** About the number of points of a curve in the figure. */
const POINTS = 100;

const windowOf = ({ losses, epochs }: ClassifierRun): number =>
  Math.min(SMOOTHED, Math.floor(losses.length / epochs.length));

/** The training loss, averaged over the last `window` batches, from the first step at which there are so many. */
export function smoothed(losses: readonly number[], window: number): CurvePoint[] {
  return losses.slice(window - 1).map((_, start) => ({
    steps: start + window,
    loss: losses.slice(start, start + window).reduce((a, b) => a + b) / window,
  }));
}

/** Time of the first `steps` steps, evenly divided within an epoch. */
export function secondsOf({ losses, epochs }: ClassifierRun, steps: number): number {
  const done = (steps * epochs.length) / losses.length;
  return epochs.reduce((sum, { seconds }, epoch) => sum + seconds * Math.min(1, Math.max(0, done - epoch)), 0);
}

/** What a run took to a loss; undefined if it never reached it. */
interface Reached {
  readonly kernel: string;
  readonly seed: number;
  readonly taken: { readonly steps: number; readonly seconds: number } | undefined;
}

function reach(run: ClassifierRun, loss: number): Reached {
  const { kernel, seed } = run;
  const steps = stepsTo(smoothed(run.losses, windowOf(run)), loss);
  return { kernel, seed, taken: steps === undefined ? undefined : { steps, seconds: secondsOf(run, steps) } };
}

/** The ratio to the reference over the seeds of which both runs reached the loss; undefined without such a seed. */
function ratioTo(
  own: readonly Reached[],
  reference: readonly Reached[],
  name: "steps" | "seconds",
): MeanInterval | undefined {
  const ratios = own.flatMap(({ seed, taken }) => {
    const other = reference.find((run) => run.seed === seed)?.taken;
    return taken === undefined || other === undefined ? [] : [taken[name] / other[name]];
  });
  return ratios.length === 0 ? undefined : geometricInterval(ratios);
}

/** Mean steps to half the loss of a uniform guess, and how many of the runs reached it if not all did. */
export function stepsToHalf(runs: readonly ClassifierRun[], classes: number): string {
  const found = runs.map((run) => reach(run, DECISIVE * Math.log(classes)));
  const steps = found.flatMap(({ taken }) => taken?.steps ?? []);
  const mean = steps.length === 0 ? "–" : meanInterval(steps).mean.toFixed(0);
  return steps.length === runs.length ? mean : `${mean} (${reachedWords(found)})`;
}

const ratioText = (value: number): string => value.toFixed(2);
const ratioWords = (ratio: MeanInterval): string => `${ratioText(ratio.mean)} (${between(ratio, ratioText)})`;

/** "9 of 10, not 4": how many runs reached the loss, and the seeds of those that did not. */
function reachedWords(runs: readonly Reached[]): string {
  const missing = runs.filter(({ taken }) => taken === undefined).map(({ seed }) => seed);
  const count = `${runs.length - missing.length} of ${runs.length}`;
  return missing.length === 0 ? count : `${count}, not ${missing.join(", ")}`;
}

/** Steps and seconds of every kernel to given training losses, and their ratios to the first kernel's. */
export function speedTable(runs: readonly ClassifierRun[], classes: number): Table {
  const rows = SHARES.flatMap((share) => {
    const loss = share * Math.log(classes);
    const groups = [...byKernel(runs.map((run) => reach(run, loss)))];
    const [[reference, first]] = groups;
    return groups.map(([kernel, own]) => {
      const mean = (name: "steps" | "seconds", digits: number): string => {
        const known = own.flatMap(({ taken }) => taken?.[name] ?? []);
        return known.length === 0 ? "–" : meanInterval(known).mean.toFixed(digits);
      };
      const isFirst = kernel === reference;
      const [steps, seconds] = (["steps", "seconds"] as const).map((name) => ratioTo(own, first, name));
      const words = (ratio: MeanInterval | undefined): string =>
        isFirst || ratio === undefined ? "–" : ratioWords(ratio);
      return [
        `${loss.toFixed(3)} (${share})`,
        kernel,
        reachedWords(own),
        mean("steps", 0),
        mean("seconds", 1),
        words(steps),
        words(seconds),
        isFirst ? "–" : String(steps === undefined ? 0 : steps.count),
      ];
    });
  });
  const window = windowOf(runs[0]);
  const first = byKernel(runs).keys().next().value;
  return table(
    "Steps to a training loss",
    ["loss", "kernel", "reached", "steps", "seconds", `steps over ${first}'s`, "seconds over its", "pairs"],
    rows,
    {
      summary: true,
      note:
        `The training loss is the mean over the last ${window} batches. The losses are shares of that of a uniform ` +
        `guess, ln ${classes}, whatever the runs do; after ${window} steps, the first that count, a run may be below ` +
        "one already. Steps and seconds are means over the runs that reached the loss; seconds are those of " +
        "this device. Ratios are geometric means over the seeds of which both runs reached it, with Student's 95 % " +
        "interval of the logarithm.",
    },
  );
}

/**
 * The steps of every kernel against those of the first, in words. The verdict is on half the loss of a uniform guess,
 * and only if all runs of both kernels reached it.
 */
export function speedStatements(runs: readonly ClassifierRun[], classes: number): string[] {
  const loss = DECISIVE * Math.log(classes);
  const [[reference, first] = ["", []], ...others] = byKernel(runs.map((run) => reach(run, loss)));
  return others.map(([kernel, own]) => {
    const ratio = ratioTo(own, first, "steps");
    const measured = ratio === undefined ? "" : `${ratioWords(ratio)} times the steps of ${reference}`;
    const isComplete = [...own, ...first].every(({ taken }) => taken !== undefined);
    if (!isComplete || ratio === undefined) {
      const counts = `${kernel} ${reachedWords(own)}; ${reference} ${reachedWords(first)}`;
      return (
        `Not all runs reached the training loss ${loss.toFixed(3)} (${counts}), so which is faster is undecided` +
        `${measured === "" ? "" : `; where both did, ${kernel} took ${measured}`}.`
      );
    }
    return (
      `To the training loss ${loss.toFixed(3)} ${kernel} took ${measured}, 95 % interval, ${ratio.count} paired ` +
      `seeds: ${fasterOf(kernel, reference, ratio)}.`
    );
  });
}

/** Which of two kernels is faster, by the interval of the ratio of their steps. */
function fasterOf(kernel: string, reference: string, { low, high, count }: MeanInterval): string {
  if (count < 2) return "one seed says nothing about others";
  if (high < 1) return `${kernel} is faster`;
  return low > 1 ? `${reference} is faster` : "these seeds do not tell them apart";
}

/** The smoothed training loss over steps. */
export function speedFigure(runs: readonly ClassifierRun[], task: string): Figure {
  const [run] = runs;
  const window = windowOf(run);
  const stride = Math.ceil(run.losses.length / POINTS);
  const series = bands(
    runs,
    (place) => window + place * stride,
    ({ losses }) =>
      smoothed(losses, window)
        .filter((_, place) => place % stride === 0)
        .map(({ loss }) => loss),
  );
  return figure(
    "loss",
    `${task}: training loss over steps`,
    { kind: "lines", series, xLabel: "steps", yLabel: "cross-entropy (nats)" },
    `Mean cross-entropy of the last ${window} batches, each before its step. ${BAND}`,
  );
}

import { SEEDS } from "../options.js";
import { table, type Table } from "../report/report.js";
import { reals, whole } from "../runner/options.js";
import { byKernel, type ClassifierRun } from "./runs.js";
import { stepsToHalf } from "./speed.js";

/** `--rates` and `--trials`: every kernel is compared at the rate that is best for it on other seeds. */
export const rateOptions = (rates: readonly number[], trials: number) => ({
  rates: reals(rates, {
    least: 0,
    most: 1000,
    count: 16,
    help: "learning rates to try for each kernel, separated by commas; a single one is taken without a trial",
  }),
  trials: whole(trials, { least: 1, most: 100, help: "seeds on which every rate is tried; they are not compared" }),
});

interface RateOptions {
  readonly rates: readonly number[];
  readonly trials: number;
}

/** The seeds on which rates are tried, beyond all that may be compared. None for a single rate. */
export const trialSeeds = (first: number, { rates, trials }: RateOptions): number[] =>
  rates.length === 1 ? [] : Array.from({ length: trials }, (_, index) => first + SEEDS.most + index);

/** A training at a learning rate. */
export interface RatedRun extends ClassifierRun {
  readonly learningRate: number;
}

/** The least held-out loss of a training; infinite if it diverged. */
function leastLoss({ epochs }: RatedRun): number {
  const least = Math.min(...epochs.map(({ testLoss }) => testLoss));
  return Number.isNaN(least) ? Infinity : least;
}

interface TriedRate {
  readonly learningRate: number;
  /** Mean over trials of the least held-out loss. */
  readonly loss: number;
  readonly trials: readonly RatedRun[];
}

function triedRates(trials: readonly RatedRun[]): TriedRate[] {
  return [...new Set(trials.map(({ learningRate }) => learningRate))].map((learningRate) => {
    const own = trials.filter((trial) => trial.learningRate === learningRate);
    return { learningRate, loss: own.reduce((sum, trial) => sum + leastLoss(trial), 0) / own.length, trials: own };
  });
}

const best = (tried: readonly TriedRate[]): TriedRate =>
  tried.reduce((least, other) => (other.loss < least.loss ? other : least));

/**
 * The rate with the smallest mean over trials of the least held-out loss of an epoch; the first of equals. `trials` are
 * those of one kernel; without any, the only rate.
 */
export const chosenRate = (trials: readonly RatedRun[], { rates }: Pick<RateOptions, "rates">): number =>
  trials.length === 0 ? rates[0] : best(triedRates(trials)).learningRate;

const RULE =
  "For each kernel the rate with the smallest mean over these seeds of the least held-out loss of an epoch is taken; " +
  "none of these seeds is compared.";

/** How every rate did on the seeds of the trials, and which was taken. */
export function rateTable(runs: readonly RatedRun[], { rates, trials }: RateOptions, classes: number): Table {
  const [least, most] = [Math.min(...rates), Math.max(...rates)];
  const rows = [...byKernel(runs)].flatMap(([kernel, own]) => {
    const tried = triedRates(own);
    const taken = own.length < rates.length * trials ? undefined : best(tried).learningRate;
    const isEdge = taken === least || taken === most;
    return tried.map(({ learningRate, loss, trials: same }) => [
      kernel,
      String(learningRate),
      loss.toFixed(4),
      stepsToHalf(same, classes),
      learningRate !== taken ? "" : isEdge ? "yes, at the edge of the rates tried" : "yes",
    ]);
  });
  const seeds = [...new Set(runs.map(({ seed }) => seed))].join(", ");
  return table(
    "Learning rates tried",
    [
      "kernel",
      "rate",
      "least held-out loss",
      `steps to a training loss of ${(Math.log(classes) / 2).toFixed(3)}`,
      "taken",
    ],
    rows,
    { note: `Means over the seeds ${seeds}. ${RULE}` },
  );
}

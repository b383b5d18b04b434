import { SEEDS } from "../options.js";
import { table, type Table } from "../report/report.js";
import { reals, whole } from "../runner/options.js";
import type { Task } from "../runner/study.js";
import { byKernel, type ClassifierRun } from "./runs.js";
import { seedsOf } from "./seeds.js";
import { stepsToHalf } from "./speed.js";

/** At a rate of 0 nothing is trained. */
const LEAST_RATE = 1e-9;

/** `--rates` and `--trials`: every kernel is compared at the rate that is best for it on other seeds. */
export const rateOptions = (rates: readonly number[], trials: number) => ({
  rates: reals(rates, {
    least: LEAST_RATE,
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

interface Compared extends RateOptions {
  readonly kernels: readonly string[];
  readonly seeds: number;
}

/** Options of a comparison; its trials have no monitor. */
interface ComparedOptions extends Compared {
  readonly monitor: number;
}

/** The seeds on which rates are tried, beyond all that may be compared. None for a single rate, or without seeds. */
const trialSeeds = (first: number, { seeds, rates, trials }: Omit<Compared, "kernels">): number[] =>
  rates.length === 1 || seeds === 0 ? [] : Array.from({ length: trials }, (_, index) => first + SEEDS.most + index);

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

/** What a task of a comparison gives: a training, and whether it only tries a learning rate. */
export interface RatedResult {
  readonly run: RatedRun;
  readonly isTrial: boolean;
}

/** What a task of a comparison trains; its rate may follow from the results of the tasks in `needs`. */
export interface RatedTask<Result> extends Pick<Task<never, Result>, "name" | "stage" | "needs"> {
  readonly kernel: string;
  readonly seed: number;
  readonly isTrial: boolean;
  /** The rate of this kernel, or of another one in the comparison. */
  readonly rateOf: (needed: readonly Result[], kernel?: string) => number;
}

/**
 * The tasks of a comparison. First every rate is tried with every kernel on seeds that are not compared. Then every
 * kernel is trained at its rate on every seed. `make` gets a task and its options; those of trials have no monitor.
 * `starts` are kernels whose rates every compared training needs beside its own.
 */
export function ratedTasks<Result extends RatedResult, Made, Options extends ComparedOptions>(
  options: Options,
  first: number,
  make: (task: RatedTask<Result>, own: Omit<Options, keyof Compared>) => Made,
  starts: readonly string[] = [],
): Made[] {
  const { kernels, seeds, rates, trials, ...shared } = options;
  const tries = trialSeeds(first, { seeds, rates, trials }).flatMap((seed) =>
    kernels.flatMap((kernel) =>
      rates.map((rate): RatedTask<Result> => ({
        name: `${kernel} rate ${rate} seed ${seed}`,
        stage: "Learning rates",
        kernel,
        seed,
        isTrial: true,
        rateOf: () => rate,
      })),
    ),
  );
  const compared = seedsOf(first, { seeds }).flatMap((seed) =>
    kernels.map((kernel): RatedTask<Result> => ({
      name: `${kernel} seed ${seed}`,
      stage: `Seed ${seed}`,
      needs: tries.filter((trial) => [kernel, ...starts].includes(trial.kernel)).map(({ name }) => name),
      kernel,
      seed,
      isTrial: false,
      rateOf: (needed, of = kernel) =>
        chosenRate(
          needed.flatMap(({ run }) => (run.kernel === of ? [run] : [])),
          options,
        ),
    })),
  );
  return [...tries, ...compared].map((task) => make(task, task.isTrial ? { ...shared, monitor: 0 } : shared));
}

/** The learning rate of a comparison, in words. */
export const rateWords = ({ rates }: Pick<RateOptions, "rates">): string =>
  rates.length === 1 ? `learning rate ${rates[0]}` : "the learning rate of each kernel from other seeds";

/** The trials and the compared trainings of finished tasks. */
export const ratedRuns = (done: readonly RatedResult[]) => ({
  trials: done.flatMap(({ run, isTrial }) => (isTrial ? [run] : [])),
  runs: done.flatMap(({ run, isTrial }) => (isTrial ? [] : [run])),
});

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

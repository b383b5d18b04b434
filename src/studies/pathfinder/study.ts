import { ArgumentError } from "../../core/errors.js";
import { ratedRuns, ratedTasks, type RatedTask } from "../comparison/rates.js";
import { bySeed, latest } from "../comparison/seeds.js";
import { plainKernel } from "../kernels.js";
import { heading } from "../report/report.js";
import { declareStudy, type Task } from "../runner/study.js";
import { samplesFigures } from "./figures.js";
import { FIRST_EPOCHS, full, pathfinderOptions, pictureOf, type PathfinderOptions } from "./options.js";
import { report } from "./report.js";
import {
  splitPictures,
  trainRun,
  type MeasuredRun,
  type PictureSplit,
  type RunOptions,
  type RunPlan,
  type RunState,
} from "./train.js";

type PathfinderTask = Task<(seed: number) => PictureSplit, MeasuredRun, RunState>;

function refuse(argument: string, wanted: string, got: string, fix?: string): never {
  throw new ArgumentError({ where: "study pathfinder", argument, wanted, got, fix });
}

/** Whether every kernel can go on from the weights of the first stage, if there is one. */
function checkStages({ kernels, epochs, firstKernel, firstEpochs }: PathfinderOptions): void {
  if (firstKernel === undefined) {
    if (firstEpochs === undefined) return;
    refuse("first-epochs", "a first stage", "no first-kernel", "Name its kernel: --first-kernel softmax.");
  }
  if (!kernels.includes(firstKernel))
    refuse("first-kernel", `one of the kernels that are compared: ${kernels.join(", ")}`, firstKernel);
  const projectionsOf = (kernel: string): string | undefined => plainKernel(kernel).projections;
  const other = kernels.find((kernel) => projectionsOf(kernel) !== projectionsOf(firstKernel));
  if (other !== undefined)
    refuse("kernels", `kernels whose layers have the weights of ${firstKernel}, which they go on from`, other);
  if (firstEpochs !== undefined && firstEpochs >= epochs)
    refuse("first-epochs", `fewer than all ${epochs} epochs, so that a second stage is left`, String(firstEpochs));
}

/**
 * An encoder on pictures of the Pathfinder task: comparison of kernels over seeds, and the loss around the trained
 * models.
 */
export const pathfinder = declareStudy({
  name: "pathfinder",
  question:
    "an encoder on pictures: are two dots on one dashed path? Comparison of kernels, and the loss around " +
    "the trained models",
  title: "Pathfinder: attention kernels on connected dots",
  options: pathfinderOptions,
  presets: {
    full: { help: "the papers' scale, for a hardware adapter", options: full },
    draw: { help: "only draw samples of every kind", options: { seeds: 0 } },
    withoutLandscape: { help: "no loss landscapes", options: { landscape: undefined } },
  },
  derive: (chosen) => ({
    picture: pictureOf(chosen),
    ...(chosen.firstKernel === undefined ? {} : { firstEpochs: FIRST_EPOCHS }),
  }),

  check(options) {
    const { kernels, patch, picture, landscape, epochs } = options;
    kernels.forEach(plainKernel);
    checkStages(options);
    if (picture.size % patch !== 0) refuse("patch", `a divisor of the picture's side ${picture.size}`, String(patch));
    if (landscape && epochs < 2)
      refuse(
        "epochs",
        "two or more, so that the path of the weights spans the plane of a landscape",
        String(epochs),
        "Leave the landscapes out: --without-landscape.",
      );
  },
  // at least the pictures of a seed
  bytes: ({ train, test, picture }) => (train + test) * picture.size ** 2,

  data: (options) => Promise.resolve(latest((seed): PictureSplit => splitPictures(options, seed))),

  tasks(options, first) {
    const { firstKernel, firstEpochs, ...rest } = options;
    const make = (
      { kernel, seed, isTrial, rateOf, ...task }: RatedTask<MeasuredRun>,
      shared: RunOptions,
    ): PathfinderTask => {
      const own = isTrial ? { ...shared, landscape: undefined } : shared;
      const planOf = (needed: readonly MeasuredRun[]): RunPlan => ({
        kernel,
        seed,
        isTrial,
        // planes show the shape for the first seed
        drawn: own.landscape !== undefined && seed === first,
        learningRate: rateOf(needed),
        ...(isTrial || firstKernel === undefined || firstEpochs === undefined
          ? {}
          : { first: { kernel: firstKernel, epochs: firstEpochs, learningRate: rateOf(needed, firstKernel) } }),
      });
      return {
        ...task,
        depends: (_, needed) => ({ ...own, plan: planOf(needed) }),
        run: (splitOf, work, needed) => trainRun(own, planOf(needed), splitOf(seed), work),
      };
    };
    return ratedTasks(rest, first, make, firstKernel === undefined ? [] : [firstKernel]);
  },

  gather: (done: readonly MeasuredRun[]) => ({
    positionsAccuracy: bySeed(
      done.filter(({ isTrial }) => !isTrial),
      ({ positionsAccuracy }) => positionsAccuracy,
    ),
    ...ratedRuns(done),
    landscapes: done.flatMap(({ landscape }) => landscape ?? []),
  }),

  report,
  appendix: (_, seed) => [heading("Pictures"), ...samplesFigures(seed)],
});

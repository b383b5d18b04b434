import { ArgumentError } from "../../core/errors.js";
import { bySeed, latest, seedsOf } from "../comparison/seeds.js";
import { plainKernel } from "../kernels.js";
import { heading } from "../report/report.js";
import { declareStudy, type Task } from "../runner/study.js";
import { samplesFigures } from "./figures.js";
import { full, pathfinderOptions, pictureOf } from "./options.js";
import { report } from "./report.js";
import { splitPictures, trainRun, type MeasuredRun, type PictureSplit, type RunState } from "./train.js";

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
  derive: (chosen) => ({ picture: pictureOf(chosen) }),

  check({ kernels, patch, picture, landscape, epochs }) {
    kernels.forEach(plainKernel);
    if (picture.size % patch !== 0) {
      throw new ArgumentError({
        where: "study pathfinder",
        argument: "patch",
        wanted: `a divisor of the picture's side ${picture.size}`,
        got: String(patch),
      });
    }
    if (landscape && epochs < 2) {
      throw new ArgumentError({
        where: "study pathfinder",
        argument: "epochs",
        wanted: "two or more, so that the path of the weights spans the plane of a landscape",
        got: String(epochs),
        fix: "Leave the landscapes out: --without-landscape.",
      });
    }
  },
  // at least the pictures of a seed
  bytes: ({ train, test, picture }) => (train + test) * picture.size ** 2,

  data: (options) => Promise.resolve(latest((seed): PictureSplit => splitPictures(options, seed))),

  tasks(options, first) {
    const { kernels, seeds, ...own } = options;
    const taskOf = (kernel: string, seed: number): Task<(seed: number) => PictureSplit, MeasuredRun, RunState> => {
      // planes show the shape for the first seed
      const drawn = own.landscape !== undefined && seed === first;
      return {
        name: `${kernel} seed ${seed}`,
        stage: `Seed ${seed}: ${options.train} pictures to train on, ${options.test} to test on`,
        depends: () => ({ ...own, drawn }),
        run: (splitOf, work) => trainRun(options, { kernel, seed, drawn }, splitOf(seed), work),
      };
    };
    return seedsOf(first, { seeds }).flatMap((seed) => kernels.map((kernel) => taskOf(kernel, seed)));
  },

  gather: (done: readonly MeasuredRun[]) => ({
    positionsAccuracy: bySeed(done, ({ positionsAccuracy }) => positionsAccuracy),
    runs: done.map(({ run }) => run),
    landscapes: done.flatMap(({ landscape }) => landscape ?? []),
  }),

  report,
  appendix: (_, seed) => [heading("Pictures"), ...samplesFigures(seed)],
});

import { ArgumentError } from "../../core/errors.js";
import { plainKernel } from "../kernels.js";
import { declareStudy, type Task } from "../runner/study.js";
import { dynamicsOptions, type DynamicsOptions, type ExperimentName } from "./options.js";
import type { DynamicsMeasurements } from "./measurements.js";
import { report } from "./report.js";
import { startKernels, startShare, type StartShare } from "./starts.js";
import { runTrial, type Trial, type TrialSetting } from "./trial.js";

const stages: Readonly<Record<ExperimentName, string>> = {
  matrices: "Three matrices: gradient descent by trained matrices",
  equalValues: "W^Q alone where all values of a sample are equal",
  valueScale: "W^Q alone, by the scale of W^V against W^Q and W^K",
};
const names = Object.keys(stages) as ExperimentName[];

const sizesOf = ({ samples, tokens, width, outputWidth }: DynamicsOptions) => ({ samples, tokens, width, outputWidth });

/** Tasks of an experiment. */
function tasksOf(options: DynamicsOptions, experiment: ExperimentName, firstSeed: number): Task<unknown, Trial>[] {
  const { experiments } = options;
  const { family, heads, steps, tolerance, stepOf, subsets, scales, kernels, seeds } = experiments[experiment];
  const all = Array.from({ length: seeds }, (_, index) => firstSeed + index);
  const settings = subsets.flatMap((trained) =>
    scales.flatMap((own) =>
      kernels.flatMap((kernel) =>
        all.map((seed): TrialSetting => ({ experiment, kernel, trained, scales: own, seed })),
      ),
    ),
  );
  return settings.map((setting, index) => {
    const { kernel, trained, seed } = setting;
    const scale = scales.length > 1 ? ` scales ${scales.indexOf(setting.scales) + 1}` : "";
    return {
      name: `${experiment} ${trained.join("+")}${scale} ${kernel} seed ${seed}`,
      stage: `${stages[experiment]} (single layer, CPU backend, float64)`,
      depends: () => ({ ...sizesOf(options), ...setting, family, heads, steps, tolerance, stepOf }),
      async run(_, work) {
        const trial = await runTrial(options, setting, work);
        work.report({
          kind: "progress",
          label: experiment,
          done: index + 1,
          total: settings.length,
          note: `${kernel}, ${trained.join(" + ")}, seed ${seed}`,
        });
        return trial;
      },
    };
  });
}

/** Tasks that judge starts, kernel by kernel. */
function startTasks(options: DynamicsOptions, seed: number): Task<unknown, StartShare>[] {
  const { startHeads, startDraws: draws } = options;
  return startHeads.flatMap((count) =>
    startKernels.map((kernel) => ({
      name: `starts ${count} heads ${kernel} seed ${seed}`,
      stage: "W^Q alone: is success proved at the start? (CPU backend, float64)",
      depends: () => ({ ...sizesOf(options), kernel, heads: count, draws, seed }),
      run: () => startShare(options, { kernel, heads: count, seed }),
    })),
  );
}

/**
 * Gradient descent on a single layer, by trained matrices, kernel and initial scales: does it converge, and how fast?
 */
export const dynamics = declareStudy({
  name: "dynamics",
  question: "gradient descent on every subset of W^Q, W^K, W^V: what converges, and how fast?",
  title: "Training dynamics: which of W^Q, W^K, W^V decides",
  options: dynamicsOptions,
  check({ experiments, startHeads }) {
    for (const name of names) experiments[name].kernels.forEach(plainKernel);
    const odd = startHeads.find((count) => count % 2 !== 0);
    if (odd !== undefined)
      throw new ArgumentError({
        where: "study dynamics",
        argument: "--start-heads",
        wanted: "even numbers of heads, as starts have them in mirrored pairs",
        got: String(odd),
      });
  },
  tasks: (options, seed): Task<unknown, Trial | StartShare>[] => [
    ...names.flatMap((name) => tasksOf(options, name, seed)),
    ...startTasks(options, seed),
  ],
  gather: (done: readonly (Trial | StartShare)[]): DynamicsMeasurements => ({
    trials: done.filter((result): result is Trial => "experiment" in result),
    starts: done.filter((result): result is StartShare => "proved" in result),
  }),
  report,
});

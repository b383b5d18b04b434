import { plainKernel } from "../kernels.js";
import { declareStudy, type Task } from "../runner/study.js";
import { dynamicsOptions, type DynamicsOptions, type ExperimentName } from "./options.js";
import { report } from "./report.js";
import { runTrial, type Trial, type TrialSetting } from "./trial.js";

const stages: Readonly<Record<ExperimentName, string>> = {
  matrices: "Three matrices: gradient descent by trained matrices",
  equalValues: "W^Q alone where all values of a sample are equal",
  valueScale: "W^Q alone, by the scale of W^V against W^Q and W^K",
};
const names = Object.keys(stages) as ExperimentName[];

/** Tasks of an experiment. */
function tasksOf(options: DynamicsOptions, experiment: ExperimentName, firstSeed: number): Task<unknown, Trial>[] {
  const { experiments, ...sizes } = options;
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
      depends: () => ({ ...sizes, ...setting, family, heads, steps, tolerance, stepOf }),
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

/**
 * Gradient descent on a single layer, by trained matrices, kernel and initial scales: does it converge, and how fast?
 */
export const dynamics = declareStudy({
  name: "dynamics",
  question: "gradient descent on every subset of W^Q, W^K, W^V: what converges, and how fast?",
  title: "Training dynamics: which of W^Q, W^K, W^V decides",
  options: dynamicsOptions,
  check: ({ experiments }) => names.forEach((name) => experiments[name].kernels.forEach(plainKernel)),
  tasks: (options, seed) => names.flatMap((name) => tasksOf(options, name, seed)),
  gather: (trials: readonly Trial[]) => ({ trials }),
  report,
});

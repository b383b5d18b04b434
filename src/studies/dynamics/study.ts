import { plainKernel } from "../kernels.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Task } from "../runner/tasks.js";
import { dynamicsFields, type DynamicsConfiguration, type ExperimentName } from "./configuration.js";
import { present } from "./present.js";
import { runTrial, type DynamicsMeasurements, type Trial, type TrialSetting } from "./trial.js";

const stages: Readonly<Record<ExperimentName, string>> = {
  matrices: "Three matrices: what trains, and where gradient descent ends",
  equalValues: "W^Q alone where all values of a sample are equal",
  valueScale: "W^Q alone, by the scale of W^V against W^Q and W^K",
};

/** All runs of an experiment, in the order in which they are done. */
function trialSettings({ experiments }: DynamicsConfiguration, experiment: ExperimentName, firstSeed: number): TrialSetting[] {
  const { subsets, scales, kernels, seeds } = experiments[experiment];
  const all = Array.from({ length: seeds }, (_, index) => firstSeed + index);
  return subsets.flatMap((trained) => scales.flatMap((own) => kernels.flatMap((kernel) => all.map((seed) => ({ experiment, kernel, trained, scales: own, seed })))));
}

/** The name of a run, and all that it depends on. */
function taskOf({ experiments, ...sizes }: DynamicsConfiguration, setting: TrialSetting): Task {
  const { experiment, kernel, trained, scales, seed } = setting;
  const own = experiments[experiment];
  const scale = own.scales.length > 1 ? ` scales ${own.scales.indexOf(scales) + 1}` : "";
  const { family, heads, steps, tolerance, stepOf } = own;
  return { name: `${experiment} ${trained.join("+")}${scale} ${kernel} seed ${seed}`, depends: { ...sizes, ...setting, family, heads, steps, tolerance, stepOf } };
}

async function run(configuration: DynamicsConfiguration, session: Session<DynamicsMeasurements>): Promise<void> {
  const names = Object.keys(configuration.experiments) as ExperimentName[];
  names.forEach((name) => configuration.experiments[name].kernels.forEach(plainKernel)); // an unknown name must not wait for its turn
  const trials: Trial[] = [];
  for (const name of names) {
    session.report({ kind: "stage", title: `${stages[name]} (single layer, CPU backend, float64)` });
    const settings = trialSettings(configuration, name, session.seed);
    try {
      for (const [index, setting] of settings.entries()) {
        const trial = await session.task(taskOf(configuration, setting), () => runTrial(configuration, setting, session));
        if (trial !== undefined) trials.push(trial);
        const note = `${setting.kernel}, ${setting.trained.join(" + ")}, seed ${setting.seed}`;
        session.report({ kind: "progress", label: name, done: index + 1, total: settings.length, note });
        await session.checkpoint();
      }
    } finally {
      if (trials.length > 0) await session.save({ trials }); // once for many trials, and when stopped among them
    }
  }
}

/** Gradient descent on a single layer: what trains, with which kernel, from which scales, converges how fast? */
export const dynamics: Study<DynamicsConfiguration, DynamicsMeasurements> = { name: "dynamics", configuration: record(dynamicsFields), run, present };

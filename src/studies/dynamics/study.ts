import type { Session, Study } from "../study.js";
import type { DynamicsConfiguration } from "./configuration.js";
import { present } from "./present.js";
import { plainKernel, runTrial, type DynamicsMeasurements, type Trial } from "./trial.js";

async function run(configuration: DynamicsConfiguration, session: Session<DynamicsMeasurements>): Promise<void> {
  const { kernels, subsets, seeds, ...setting } = configuration;
  kernels.forEach(plainKernel); // an unknown name must not wait for its turn
  session.report({ kind: "stage", title: "Three matrices: what trains, and where gradient descent ends (single layer, CPU backend, float64)" });
  const trials: Trial[] = [];
  for (const trained of subsets) {
    for (const kernel of kernels) {
      for (let index = 0; index < seeds; index++) {
        const seed = session.seed + index;
        const task = { name: `${trained.join("+")} ${kernel} seed ${seed}`, depends: setting };
        const trial = await session.task(task, () => runTrial(configuration, kernel, trained, seed));
        if (trial !== undefined) trials.push(trial);
        const label = `${kernel}, ${trained.join(" + ")}`;
        session.report({ kind: "progress", label, done: index + 1, total: seeds });
        await session.checkpoint();
      }
      await session.save({ trials });
    }
  }
}

/** Every subset of W^Q, W^K and W^V with several kernels on the same data from the same start: what converges, and how fast. */
export const dynamics: Study<DynamicsConfiguration, DynamicsMeasurements> = { name: "dynamics", run, present };

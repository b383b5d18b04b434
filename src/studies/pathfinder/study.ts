import { ArgumentError } from "../../core/errors.js";
import { plainKernel } from "../plain-kernel.js";
import type { Session, Study } from "../study.js";
import type { PathfinderConfiguration } from "./configuration.js";
import type { Landscape } from "./landscapes.js";
import type { PathfinderMeasurements } from "./measurements.js";
import type { ClassifierRun } from "../comparison/runs.js";
import { distanceAccuracy } from "./pictures.js";
import { present } from "./present.js";
import { splitPictures, trainRun } from "./train.js";

async function run(configuration: PathfinderConfiguration, session: Session<PathfinderMeasurements>): Promise<void> {
  const { kernels, seeds, landscape, patch, picture } = configuration;
  kernels.forEach(plainKernel); // an unknown name must not wait for its turn
  if (picture.size % patch !== 0) {
    throw new ArgumentError({ where: "study pathfinder", argument: "patch", wanted: `a divisor of the picture's side ${picture.size}`, got: String(patch) });
  }
  const baseline: number[] = [];
  const finished: ClassifierRun[] = [];
  const landscapes: Landscape[] = [];
  const save = (latest: readonly ClassifierRun[]): Promise<void> => session.save({ distanceAccuracy: baseline, runs: [...finished, ...latest], landscapes });
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    session.report({ kind: "stage", title: `Seed ${seed}: ${configuration.train} pictures to train on, ${configuration.test} to test on (${session.backend.device.name})` });
    const split = splitPictures(configuration, seed);
    baseline.push(distanceAccuracy(split.train, split.test));
    for (const kernel of kernels) {
      // the landscapes of one seed show the shape; more would show it again
      const own = landscape && seed === session.seed ? configuration : { ...configuration, landscape: undefined };
      let latest: ClassifierRun | undefined;
      for await (const step of trainRun(own, kernel, seed, split, session)) {
        latest = step.run;
        if (step.landscape) landscapes.push(step.landscape);
        await save([latest]);
      }
      if (latest) finished.push(latest);
    }
  }
}

/** The encoder on pictures of the Pathfinder task, kernel against kernel over seeds, and the loss around what it learned. */
export const pathfinder: Study<PathfinderConfiguration, PathfinderMeasurements> = { name: "pathfinder", run, present };

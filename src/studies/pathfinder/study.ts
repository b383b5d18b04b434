import { ArgumentError } from "../../core/errors.js";
import type { ClassifierRun } from "../comparison/runs.js";
import { plainKernel } from "../kernels.js";
import { record } from "../runner/schema.js";
import type { Session, Study } from "../runner/study.js";
import type { Kept } from "../runner/tasks.js";
import { pathfinderBytes, pathfinderFields, type PathfinderConfiguration } from "./configuration.js";
import type { Landscape } from "./landscapes.js";
import type { PathfinderMeasurements } from "./measurements.js";
import { present } from "./present.js";
import { splitPictures, trainRun, type MeasuredRun, type PictureSplit, type RunState } from "./train.js";

async function run(configuration: PathfinderConfiguration, session: Session<PathfinderMeasurements>): Promise<void> {
  const { kernels, seeds, landscape, ...setting } = configuration;
  const { patch, picture } = setting;
  kernels.forEach(plainKernel); // an unknown name must not wait for its turn
  if (picture.size % patch !== 0) {
    throw new ArgumentError({ where: "study pathfinder", argument: "patch", wanted: `a divisor of the picture's side ${picture.size}`, got: String(patch) });
  }
  if (landscape && configuration.epochs < 2) {
    throw new ArgumentError({
      where: "study pathfinder",
      argument: "epochs",
      wanted: "two or more, so that the path of the weights spans the plane of a landscape",
      got: String(configuration.epochs),
      fix: "Leave the landscapes out: --without-landscape.",
    });
  }
  const baseline = new Map<number, number>();
  const finished: ClassifierRun[] = [];
  const landscapes: Landscape[] = [];
  const save = ({ run, distanceAccuracy }: MeasuredRun, before: readonly ClassifierRun[]): Promise<void> => {
    baseline.set(run.seed, distanceAccuracy);
    return session.save({ distanceAccuracy: [...baseline.values()], runs: [...before, run], landscapes });
  };
  for (let seed = session.seed; seed < session.seed + seeds; seed++) {
    session.report({ kind: "stage", title: `Seed ${seed}: ${configuration.train} pictures to train on, ${configuration.test} to test on (${session.backend.device.name})` });
    let drawn: PictureSplit | undefined;
    for (const kernel of kernels) {
      // the landscapes of one seed show the shape; more would show it again
      const own = landscape && seed === session.seed ? configuration : { ...configuration, landscape: undefined };
      const task = { name: `${kernel} seed ${seed}`, depends: { ...setting, landscape: own.landscape } };
      const done = await session.task(task, (kept: Kept<RunState>) => {
        drawn ??= splitPictures(configuration, seed);
        return trainRun(own, kernel, seed, drawn, session, kept, (latest) => save(latest, finished));
      });
      if (done === undefined) continue;
      if (done.landscape) landscapes.push(done.landscape);
      await save(done, finished);
      finished.push(done.run);
    }
  }
}

/** The encoder on pictures of the Pathfinder task, kernel against kernel over seeds, and the loss around what it learned. */
export const pathfinder: Study<PathfinderConfiguration, PathfinderMeasurements> = { name: "pathfinder", configuration: record(pathfinderFields), bytes: pathfinderBytes, run, present };

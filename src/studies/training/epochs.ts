import type { ParameterTree } from "../../core/tensor.js";
import { mean } from "../../numerics/averages.js";
import type { Work } from "../runner/study.js";
import type { TrainingPlan, TrainingSoFar } from "./train.js";

/** What every training measures after an epoch. */
export interface EpochMeasure {
  readonly epoch: number;
  /** Mean loss of the epoch's batches, each before its step, in nats. */
  readonly trainLoss: number;
  /** Mean loss on held-out examples after the epoch, in nats. */
  readonly testLoss: number;
  /** Time of the epoch's steps. */
  readonly seconds: number;
}

interface EpochOptions<Evaluation> {
  /** Label of the progress display. */
  readonly label: string;
  readonly evaluate: () => Promise<Evaluation>;
  /** The evaluation in words. */
  readonly words: (evaluation: Evaluation) => string;
  /** Called with the measurements so far. */
  readonly measured: (soFar: TrainingSoFar<EpochMeasure & Evaluation>) => Promise<void>;
  readonly work: Work;
}

/** The `afterEpoch` of a `TrainingPlan`. */
export function measureEpochs<Evaluation extends Pick<EpochMeasure, "testLoss">>({
  label,
  evaluate,
  words,
  measured,
  work,
}: EpochOptions<Evaluation>): TrainingPlan<ParameterTree, EpochMeasure & Evaluation>["afterEpoch"] {
  return async ({ epochs: before, losses, watched, seconds }, own) => {
    const trainLoss = mean(own);
    const evaluation = await evaluate();
    const epoch = before.length + 1;
    work.report({
      kind: "note",
      text: `${label}, epoch ${epoch}: train loss ${trainLoss.toFixed(4)}, ${words(evaluation)}`,
    });
    const result = {
      epoch,
      trainLoss,
      ...evaluation,
      seconds: seconds - before.reduce((sum, earlier) => sum + earlier.seconds, 0),
    };
    await measured({ epochs: [...before, result], losses, watched });
    return result;
  };
}

import { mean } from "../../numerics/averages.js";
import type { Work } from "../runner/study.js";
import type { TrainingPlan, TrainingSoFar } from "./train.js";

/** What every training in epochs measures after each. */
export interface EpochMeasure {
  readonly epoch: number;
  /** Mean loss of the epoch's batches, each before its step, in nats. */
  readonly trainLoss: number;
  /** The same on examples that are not trained on, after the epoch. */
  readonly testLoss: number;
  readonly seconds: number;
}

interface EpochOptions<Evaluation> {
  /** Words for the progress display. */
  readonly label: string;
  readonly evaluate: () => Promise<Evaluation>;
  /** An evaluation for people. */
  readonly words: (evaluation: Evaluation) => string;
  /** Gets what was measured so far. */
  readonly measured: (soFar: TrainingSoFar<EpochMeasure & Evaluation>) => Promise<void>;
  readonly work: Work;
}

/** The measurement after an epoch, for a `TrainingPlan`. */
export function measureEpochs<Evaluation extends Pick<EpochMeasure, "testLoss">>({
  label,
  evaluate,
  words,
  measured,
  work,
}: EpochOptions<Evaluation>): TrainingPlan<unknown, EpochMeasure & Evaluation>["afterEpoch"] {
  return async ({ epochs: before, losses, seconds }, own) => {
    const trainLoss = mean(own);
    const evaluation = await evaluate();
    const epoch = before.length + 1;
    work.report({ kind: "note", text: `${label}, epoch ${epoch}: train loss ${trainLoss.toFixed(4)}, ${words(evaluation)}` });
    const result = { epoch, trainLoss, ...evaluation, seconds: seconds() - before.reduce((sum, earlier) => sum + earlier.seconds, 0) };
    await measured({ epochs: [...before, result], losses: [...losses] });
    return result;
  };
}

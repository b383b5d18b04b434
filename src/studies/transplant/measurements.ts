import type { ClassifierRun } from "../comparison/runs.js";

/** A model on the test examples. */
export interface Evaluation {
  readonly testAccuracy: number;
  readonly testLoss: number;
}

/** A model whose kernel was changed and that was tuned, or that was tuned as it was. */
export interface TransplantRun extends ClassifierRun {
  /** The model with its own kernel, before tuning. */
  readonly before: Evaluation;
  /** With the new kernel, before tuning. */
  readonly after: Evaluation;
}

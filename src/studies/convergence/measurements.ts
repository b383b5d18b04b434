import type { Condition } from "../../theory/condition.js";
import type { WeightName } from "../../theory/problem.js";
import type { DataSummary } from "../corpus/dataset.js";
import type { EpochResult } from "../training/classifier.js";

export type KernelName = "softmax" | "gaussian";

/** Losses at some steps; `predicted` is the certificate's bound there. */
export interface Curve {
  readonly steps: readonly number[];
  readonly losses: readonly number[];
  readonly predicted?: readonly number[];
}

/** One run of gradient descent on the single-layer model, and the theory's prediction. */
export interface GuaranteeRun {
  readonly kernel: KernelName;
  readonly trained: readonly WeightName[];
  readonly conditions: readonly Condition[];
  readonly certified: boolean;
  readonly theorem: string;
  readonly reason: string;
  readonly stepSize: number;
  readonly steps: number;
  readonly initialLoss: number;
  readonly finalLoss: number;
  /** Mean fraction of the loss that a step removed, `1 - (f_T / f_0)^(1/T)`. */
  readonly measuredRate: number;
  /** Certified rate ημ: step size times the Polyak-Łojasiewicz constant of the certificate. */
  readonly predictedRate?: number;
  /** Whether the loss stayed below the certificate's curve at every step. */
  readonly bounded?: boolean;
  readonly curve: Curve;
}

/** One encoder trained as a classifier. */
export interface LearningRun {
  readonly kernel: KernelName;
  readonly epochs: readonly EpochResult[];
  /** Cross-entropy of single batches. */
  readonly curve: Curve;
}

export interface ConvergenceMeasurements {
  readonly data: DataSummary;
  readonly guarantee: readonly GuaranteeRun[];
  readonly learning: readonly LearningRun[];
}

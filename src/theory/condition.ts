/** The names of the conditions of convergence. */
export type ConditionName =
  | "kernelMatrixRank"
  | "headsTimesWidth"
  | "embeddingDimension"
  | "queryRank"
  | "keyRank"
  | "valueRank"
  | "weightsRepresentable"
  | "trainableParameters"
  | "jacobianRank"
  | "nearlyLinear"
  | "queryKeyOverValue"
  | "valueOverQueryKey"
  | "outputRank"
  | "weightsReachOutput";

/** One condition of the theory, measured on a problem. */
export interface Condition {
  readonly name: ConditionName;
  /** "undetermined": the margin is below the rounding of the computation, or no threshold is known. */
  readonly holds: boolean | "undetermined";
  readonly value: number;
  /** The number that `value` must exceed; null if none is known. */
  readonly threshold: number | null;
  /** `value - threshold`; null if no threshold is known. */
  readonly margin: number | null;
  /** The condition and its verdict in words. */
  readonly note: string;
}

/** Whether `value > threshold`, if `value` has a rounding error of up to `rounding`. False for a value of exactly 0. */
export function exceeds(value: number, threshold: number, rounding: number): boolean | "undetermined" {
  if (value === 0) return false;
  const margin = value - threshold;
  return Math.abs(margin) <= rounding ? "undetermined" : margin > 0;
}

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
  /** What `value` is compared with; null where no threshold is known. */
  readonly threshold: number | null;
  /** `value - threshold`; null where no threshold is known. */
  readonly margin: number | null;
  /** The condition and its verdict in words. */
  readonly note: string;
}

/** Whether `value > threshold`, given that `value` carries a rounding error of up to `rounding`; exactly 0 never holds. */
export function exceeds(value: number, threshold: number, rounding: number): boolean | "undetermined" {
  if (value === 0) return false;
  const margin = value - threshold;
  return Math.abs(margin) <= rounding ? "undetermined" : margin > 0;
}

import type { Matrix } from "ml-matrix";
import { typicalRounding, worstCaseRounding } from "../numerics/rounding.js";
import { singularValues } from "../numerics/singular-values.js";
import { exceeds } from "./condition.js";

export { singularValues };

/** How far a matrix is from losing the rank `wanted`. */
export interface Rank {
  readonly holds: boolean | "undetermined";
  /** σ_wanted, the smallest singular value that must not vanish; 0 if the matrix is too small to have it. */
  readonly smallest: number;
  readonly largest: number;
  /** `ε·max(rows, columns)·σ_max`: singular values up to here count as zero. */
  readonly threshold: number;
}

/** Whether a matrix has numerical rank of at least `wanted`. */
export function numericalRank(matrix: Matrix, wanted: number): Rank {
  const values = singularValues(matrix);
  const smallest = wanted > values.length ? 0 : values[wanted - 1];
  const size = Math.max(matrix.rows, matrix.columns);
  const threshold = worstCaseRounding(size, values[0]);
  const holds = exceeds(smallest, threshold, typicalRounding(size, values[0]));
  return { holds, smallest, largest: values[0], threshold };
}

import { SingularValueDecomposition, type Matrix } from "ml-matrix";
import { typicalRounding, worstCaseRounding } from "../numerics/rounding.js";
import { exceeds } from "./condition.js";

/** The min(rows, columns) singular values in descending order. */
export function singularValues(matrix: Matrix): number[] {
  const { diagonal } = new SingularValueDecomposition(matrix, {
    computeLeftSingularVectors: false,
    computeRightSingularVectors: false,
    autoTranspose: true,
  });
  return [...diagonal].sort((a, b) => b - a);
}

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

import { Matrix } from "ml-matrix";
import { singularValues } from "../../numerics/singular-values.js";
import type { SingularExtremes } from "./records.js";

/** Numbers of a matrix [rows, columns], row by row. */
export interface Numbers {
  readonly numbers: ArrayLike<number>;
  readonly rows: number;
  readonly columns: number;
}

/** The part of a matrix in some rows and columns. */
export function part({ numbers, columns }: Numbers, rows: readonly number[], own: readonly number[]): Matrix {
  return new Matrix(rows.map((row) => own.map((column) => numbers[row * columns + column])));
}

/** first, first + 1, ..., `count` of them. */
export const range = (count: number, first = 0): number[] => Array.from({ length: count }, (_, at) => first + at);

/** At most `most` of `count` places, spread evenly. */
export const spread = (count: number, most: number): number[] =>
  range(Math.min(count, most)).map((at) => Math.floor((at * count) / Math.min(count, most)));

/** Descending singular values; NaN if an entry is not finite, which the decomposition may never end on. */
function valuesOf(matrix: Matrix): number[] {
  const isFinite = matrix.to2DArray().every((row) => row.every(Number.isFinite));
  return isFinite ? singularValues(matrix) : range(Math.min(matrix.rows, matrix.columns)).map(() => NaN);
}

export function extremesOf(matrix: Matrix): SingularExtremes {
  const values = valuesOf(matrix);
  return { largest: values[0], smallest: values[values.length - 1] };
}

/** Machine epsilon of float32: the rank is that in float32 on both backends. */
const EPSILON = 2 ** -23;

/** The numerical rank of a matrix, and σ_max/σ_min. */
export function rankOf(matrix: Matrix): { readonly rank: number; readonly condition: number } {
  const values = valuesOf(matrix);
  const threshold = EPSILON * Math.max(matrix.rows, matrix.columns) * values[0];
  const rank = Number.isNaN(values[0]) ? NaN : values.filter((value) => value > threshold).length;
  return { rank, condition: values[0] / values[values.length - 1] };
}

/** Equal up to a few roundings of float32. */
const SAME = 2 ** -20;

/** The number of rows that equal an earlier one. */
export function copiesIn(matrix: Matrix): number {
  const rows = matrix.to2DArray();
  const isCopy = (row: readonly number[], at: number): boolean =>
    rows.slice(0, at).some((earlier) => {
      const far = Math.hypot(...row.map((value, column) => value - earlier[column]));
      return far <= SAME * Math.max(Math.hypot(...row), Math.hypot(...earlier));
    });
  return rows.filter(isCopy).length;
}

/**
 * (Σ ‖v_j - v̄‖² / Σ ‖v_j‖²)^½ over the rows of one head in [batch, heads, rows, width], each sequence by
 * itself.
 */
export function valueSpread(
  values: ArrayLike<number>,
  [batch, heads, rows, width]: readonly number[],
  head: number,
): number {
  let [across, squares] = [0, 0];
  for (let b = 0; b < batch; b++) {
    const start = (b * heads + head) * rows * width;
    for (let column = 0; column < width; column++) {
      let mean = 0;
      for (let row = 0; row < rows; row++) mean += values[start + row * width + column] / rows;
      for (let row = 0; row < rows; row++) {
        const value = values[start + row * width + column];
        across += (value - mean) ** 2;
        squares += value ** 2;
      }
    }
  }
  return across === 0 ? 0 : Math.sqrt(across / squares);
}

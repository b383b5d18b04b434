import { Matrix } from "ml-matrix";
import { NonFiniteError, ShapeError } from "../core/errors.js";

/** A matrix as rows of numbers: nested arrays or typed arrays. */
export type Rows = ArrayLike<ArrayLike<number>>;

/**
 * Copies rows into a matrix.
 *
 * @internal
 * @throws ShapeError unless the rows have one length of at least 1; NonFiniteError for NaN and infinity.
 */
export function toMatrix(where: string, argument: string, rows: Rows): Matrix {
  if (rows === null || typeof rows !== "object" || !(rows.length >= 1) || !(rows[0]?.length >= 1)) {
    throw new ShapeError({
      where,
      argument,
      wanted: "a matrix as nested arrays with at least one row and one column",
      got:
        rows === null || typeof rows !== "object" ? String(rows) : `${rows.length} rows of ${rows[0]?.length} numbers`,
      fix: "Give each matrix as an array of rows.",
    });
  }
  const columns = rows[0].length;
  const matrix = new Matrix(rows.length, columns);
  for (let row = 0; row < rows.length; row++) {
    const numbers = rows[row];
    if (numbers?.length !== columns) {
      throw new ShapeError({
        where,
        argument: `${argument}[${row}]`,
        wanted: `${columns} numbers, as in row 0`,
        got: `${numbers?.length}`,
      });
    }
    for (let column = 0; column < columns; column++) {
      const number: unknown = numbers[column];
      if (typeof number !== "number" || !Number.isFinite(number)) {
        throw new NonFiniteError({
          where,
          argument: `${argument}[${row}][${column}]`,
          wanted: "a finite number",
          got: String(number),
          fix: "Clean the data, or check that training has not diverged.",
        });
      }
      matrix.set(row, column, number);
    }
  }
  return matrix;
}

/** The rows of a matrix that is stored row after row; they share its memory. */
export function rowsOf<Numbers extends Float32Array | Float64Array>(numbers: Numbers, columns: number): Numbers[] {
  return Array.from(
    { length: numbers.length / columns },
    (_, row) => numbers.subarray(row * columns, (row + 1) * columns) as Numbers,
  );
}

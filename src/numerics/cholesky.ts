import { accumulate, gridOf } from "./pair-products.js";

/** Columns that are factored at a time. */
const BLOCK = 64;

/** The Cholesky factor of the columns from `first` to before `end`, of which the columns before are subtracted. */
function factorColumns(a: Float64Array, size: number, first: number, end: number): boolean {
  for (let j = first; j < end; j++) {
    for (let i = j; i < size; i++) {
      let sum = a[i * size + j];
      for (let k = first; k < j; k++) sum -= a[i * size + k] * a[j * size + k];
      if (i > j) a[i * size + j] = sum / a[j * size + j];
      else if (sum > 0) a[i * size + j] = Math.sqrt(sum);
      else return false;
    }
  }
  return true;
}

/**
 * Solves A x = b by A = LLᵀ, for a symmetric A [n, n] of which the lower triangle is read and becomes L. Undefined if
 * A is not positive definite.
 */
export function solvePositiveDefinite(a: Float64Array, b: ArrayLike<number>): Float64Array | undefined {
  const size = b.length;
  for (let first = 0; first < size; first += BLOCK) {
    const end = Math.min(first + BLOCK, size);
    if (!factorColumns(a, size, first, end)) return undefined;
    // what is left, without these columns: A - PPᵀ, block of rows by block of rows up to the diagonal
    const [rows, width] = [size - end, end - first];
    const negative = new Float64Array(rows * width);
    for (let i = 0; i < rows; i++)
      for (let k = 0; k < width; k++) negative[i * width + k] = -a[(end + i) * size + first + k];
    for (let row = end; row < size; row += BLOCK) {
      const height = Math.min(BLOCK, size - row);
      accumulate(
        "product",
        gridOf(negative, (row - end) * width, height, width),
        { data: a, start: end * size + first, rows: row + height - end, columns: width, rowStep: size, columnStep: 1 },
        { data: a, start: row * size + end, rows: height, columns: row + height - end, rowStep: size, columnStep: 1 },
      );
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) x[i] -= a[i * size + k] * x[k];
    x[i] /= a[i * size + i];
  }
  for (let i = size - 1; i >= 0; i--) {
    x[i] /= a[i * size + i];
    for (let k = 0; k < i; k++) x[k] -= a[i * size + k] * x[i];
  }
  return x;
}

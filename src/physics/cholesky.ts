/**
 * Solves A x = b for a symmetric positive definite A [size, size], row-major, of which the lower half is read; undefined where A is not
 * positive definite in float64. A is overwritten by its factor L, A = L Lᵀ.
 *
 * Rows are contiguous, so that the inner products run along memory.
 */
export function solvePositiveDefinite(a: Float64Array, b: Float64Array): Float64Array | undefined {
  const size = b.length;
  for (let i = 0; i < size; i++) {
    const row = a.subarray(i * size, i * size + i + 1);
    for (let j = 0; j < i; j++) {
      const other = a.subarray(j * size, j * size + j + 1);
      let value = row[j];
      for (let k = 0; k < j; k++) value -= row[k] * other[k];
      row[j] = value / other[j];
    }
    let square = row[i];
    for (let k = 0; k < i; k++) square -= row[k] * row[k];
    if (!(square > 0)) return undefined;
    row[i] = Math.sqrt(square);
  }
  const x = b.slice();
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

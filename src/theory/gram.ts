import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { worstCaseRounding } from "../numerics/rounding.js";

/** Most rows whose eigenvalues are computed; the trace bounds those of larger matrices. */
const MOST_ROWS = 24;

/** Numbers above this are not decomposed, as their squares may overflow. */
export const OVERFLOWS = 1e150;

/**
 * An upper bound of the largest eigenvalue of a positive semidefinite matrix: itself, or the trace where the matrix or
 * its numbers are large. Infinite for a matrix that is not finite.
 */
export function largestEigenvalue(matrix: Matrix): number {
  const trace = Math.max(0, matrix.trace());
  const size = matrix.rows;
  if (!(trace < OVERFLOWS)) return Number.isNaN(trace) ? Infinity : trace;
  if (size === 1 || size > MOST_ROWS) return trace;
  const { realEigenvalues } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  return Math.max(0, ...realEigenvalues) + worstCaseRounding(size, trace);
}

/** `A Aᵀ`: the inner products of the rows. */
export const gram = (rows: Matrix): Matrix => rows.mmul(rows.transpose());

/** Entry by entry: `f(i, j)`. */
export function matrixOf(size: number, entry: (row: number, column: number) => number): Matrix {
  const matrix = Matrix.zeros(size, size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) matrix.set(row, column, entry(row, column));
  }
  return matrix;
}

/** The largest distance between two of the vectors with these inner products. */
export function gramDiameter(products: Matrix): number {
  let largest = 0;
  for (let i = 0; i < products.rows; i++) {
    for (let j = 0; j < i; j++) {
      largest = Math.max(largest, products.get(i, i) + products.get(j, j) - 2 * products.get(i, j));
    }
  }
  return Math.sqrt(largest);
}

/** Inner products of the vectors F_j minus their mean under probabilities p_j. */
export function centred(products: Matrix, probabilities: readonly number[]): Matrix {
  const means = probabilities.map((_, i) => probabilities.reduce((sum, p, j) => sum + p * products.get(i, j), 0));
  const mean = probabilities.reduce((sum, p, i) => sum + p * means[i], 0);
  return matrixOf(products.rows, (i, j) => products.get(i, j) - means[i] - means[j] + mean);
}

/** Rounding of a mean of the F_j·F_j. */
const roundingOf = (products: Matrix, probabilities: readonly number[]): number =>
  worstCaseRounding(
    products.rows,
    probabilities.reduce((sum, p, i) => sum + p * products.get(i, i), 0),
  );

const weighted = (products: Matrix, factors: readonly number[]): Matrix =>
  matrixOf(products.rows, (i, j) => Math.sqrt(factors[i] * factors[j]) * products.get(i, j));

/**
 * The largest standard deviation of ⟨a, F_j⟩ over unit vectors a, for vectors F_j with these inner products and
 * probabilities p_j: the square root of the largest eigenvalue of their covariance.
 */
export function deviation(products: Matrix, probabilities: readonly number[]): number {
  const covariance = weighted(centred(products, probabilities), probabilities);
  return Math.sqrt(largestEigenvalue(covariance) + roundingOf(products, probabilities));
}

/** Rows r_j with r_i·r_j = the given inner products; null if there are too many to decompose. */
function factor(products: Matrix): Matrix | null {
  if (products.rows > MOST_ROWS) return null;
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(products, { assumeSymmetric: true });
  return eigenvectorMatrix.mmul(Matrix.diag(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value)))));
}

/**
 * The largest covariance of ⟨a, F_j⟩ and ⟨b, G_j⟩ over unit vectors a and b, which is at most the product of their
 * deviations.
 */
export function covariance(first: Matrix, second: Matrix, probabilities: readonly number[]): number {
  const most = deviation(first, probabilities) * deviation(second, probabilities);
  const root = factor(weighted(centred(first, probabilities), probabilities));
  if (root === null) return most;
  const product = root
    .transpose()
    .mmul(weighted(centred(second, probabilities), probabilities))
    .mmul(root);
  const scale = (products: Matrix): number => probabilities.reduce((sum, p, i) => sum + p * products.get(i, i), 0);
  return Math.min(
    most,
    Math.sqrt(largestEigenvalue(product) + worstCaseRounding(4 * first.rows, scale(first) * scale(second))),
  );
}

/**
 * The largest length of the vector `(Σ_j f_cj ⟨a, F_j⟩²)_c` over unit vectors a, with factors of either sign for
 * every output c: with M_c = Σ_j f_cj F_j F_jᵀ it is at most √λ_max(Σ_c M_c²). `most` if there are too many vectors.
 */
export function signedForm(products: Matrix, factors: readonly (readonly number[])[], most: number): number {
  const root = factor(products);
  if (root === null) return most;
  const sum = Matrix.zeros(products.rows, products.rows);
  let scale = 0;
  for (const own of factors) {
    const form = root
      .transpose()
      .mmul(Matrix.diag([...own]))
      .mmul(root);
    sum.add(form.mmul(form));
    scale += own.reduce((total, f, j) => total + Math.abs(f) * products.get(j, j), 0) ** 2;
  }
  return Math.min(most, Math.sqrt(largestEigenvalue(sum) + worstCaseRounding(8 * products.rows, scale)));
}

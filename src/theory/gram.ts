import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { worstCaseRounding } from "../numerics/rounding.js";

/** Most rows whose eigenvalues are computed; the trace bounds those of larger matrices. */
const MOST_ROWS = 24;

/**
 * Numbers above this are not decomposed, as their squares may overflow, nor traces below the other, which underflow.
 */
export const OVERFLOWS = 1e150;
const UNDERFLOWS = 1e-290;

/** More than what underflows in a variance. */
const LOST = 1e-300;

/** Inner products of vectors F_j. */
export interface Products {
  readonly matrix: Matrix;
  /** At least ‖F_j‖², and the square of the numbers whose sums F_j is: rounding is measured by it. */
  readonly sizes: readonly number[];
}

const isFinite = (matrix: Matrix): boolean => matrix.to1DArray().every(Number.isFinite);
const canDecompose = (matrix: Matrix, trace: number): boolean =>
  matrix.rows <= MOST_ROWS && trace >= UNDERFLOWS && trace < OVERFLOWS && isFinite(matrix);

/**
 * An upper bound of the largest eigenvalue of a positive semidefinite matrix: itself, or the trace where the matrix is
 * large, or its numbers are large or tiny. Infinite for a matrix that is not finite.
 */
export function largestEigenvalue(matrix: Matrix): number {
  const trace = Math.max(0, matrix.trace());
  const size = matrix.rows;
  if (Number.isNaN(trace) || !isFinite(matrix)) return Infinity;
  if (size === 1 || !canDecompose(matrix, trace)) return trace;
  const { realEigenvalues } = new EigenvalueDecomposition(Matrix.div(matrix, trace), { assumeSymmetric: true });
  return trace * (Math.max(0, ...realEigenvalues) + worstCaseRounding(size, 1));
}

/** Entry by entry: `f(i, j)`. */
export function matrixOf(size: number, entry: (row: number, column: number) => number): Matrix {
  const matrix = Matrix.zeros(size, size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) matrix.set(row, column, entry(row, column));
  }
  return matrix;
}

/** The inner products `A Aᵀ` of the rows; `sizes` if the rows are sums of larger numbers. */
export function gram(rows: Matrix, sizes?: readonly number[]): Products {
  const matrix = rows.mmul(rows.transpose());
  return { matrix, sizes: sizes ?? matrix.diag() };
}

const sumOf = (numbers: readonly number[], weights: readonly number[]): number =>
  numbers.reduce((sum, number, j) => sum + weights[j] * number, 0);

/** The largest distance between two of the vectors. */
export function gramDiameter({ matrix, sizes }: Products): number {
  let largest = 0;
  for (let i = 0; i < matrix.rows; i++) {
    for (let j = 0; j < i; j++) {
      largest = Math.max(largest, matrix.get(i, i) + matrix.get(j, j) - 2 * matrix.get(i, j));
    }
  }
  return matrix.rows === 1 ? 0 : Math.sqrt(largest + worstCaseRounding(4 * matrix.rows, Math.max(...sizes)));
}

/** The greatest length of the vectors. */
export const longestOf = ({ matrix, sizes }: Products): number =>
  Math.sqrt(Math.max(0, ...matrix.diag()) + worstCaseRounding(matrix.rows, Math.max(...sizes)));

/** Inner products of the vectors F_j minus their mean under probabilities p_j. */
export function centred({ matrix, sizes }: Products, probabilities: readonly number[]): Products {
  const means = probabilities.map((_, i) => probabilities.reduce((sum, p, j) => sum + p * matrix.get(i, j), 0));
  const mean = sumOf(means, probabilities);
  const lengths = sizes.map(Math.sqrt);
  const typical = sumOf(lengths, probabilities);
  return {
    matrix: matrixOf(matrix.rows, (i, j) => matrix.get(i, j) - means[i] - means[j] + mean),
    sizes: lengths.map((length) => (length + typical) ** 2),
  };
}

/** `√f_i √f_j F_i·F_j`; the product of the factors may underflow. */
export function weighted(products: Matrix, factors: readonly number[]): Matrix {
  const roots = factors.map(Math.sqrt);
  return matrixOf(products.rows, (i, j) => roots[i] * roots[j] * products.get(i, j));
}

/**
 * The largest standard deviation of ⟨a, F_j⟩ over unit vectors a, for vectors F_j with these inner products and
 * probabilities p_j: the square root of the largest eigenvalue of their covariance.
 */
export function deviation(products: Products, probabilities: readonly number[]): number {
  if (products.sizes.every((size) => size === 0)) return 0;
  const { matrix, sizes } = centred(products, probabilities);
  const rounding = worstCaseRounding(matrix.rows, sumOf(sizes, probabilities));
  return Math.sqrt(largestEigenvalue(weighted(matrix, probabilities)) + rounding + LOST);
}

/** Rows r_j with r_i·r_j = the given inner products divided by their trace; null if they cannot be decomposed. */
function factor(products: Matrix): { readonly root: Matrix; readonly trace: number } | null {
  const trace = products.trace();
  if (!canDecompose(products, trace)) return null;
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(Matrix.div(products, trace), {
    assumeSymmetric: true,
  });
  const root = eigenvectorMatrix.mmul(Matrix.diag(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value)))));
  return { root, trace };
}

/**
 * The largest covariance of ⟨a, F_j⟩ and ⟨b, G_j⟩ over unit vectors a and b, which is at most the product of
 * their deviations.
 */
export function covariance(first: Products, second: Products, probabilities: readonly number[]): number {
  const most = deviation(first, probabilities) * deviation(second, probabilities);
  const [one, two] = [centred(first, probabilities), centred(second, probabilities)];
  const other = weighted(two.matrix, probabilities);
  const [own, scale] = [factor(weighted(one.matrix, probabilities)), other.trace()];
  if (own === null || !canDecompose(other, scale)) return most;
  const { root, trace } = own;
  const product = root.transpose().mmul(Matrix.div(other, scale)).mmul(root);
  const sizes = (sumOf(one.sizes, probabilities) / trace) * (sumOf(two.sizes, probabilities) / scale);
  const root2 = Math.sqrt(largestEigenvalue(product) + worstCaseRounding(4 * root.rows, sizes));
  return Math.min(most, root2 * Math.sqrt(trace) * Math.sqrt(scale));
}

/**
 * The largest length of the vector `(Σ_j f_cj ⟨a, F_j⟩²)_c` over unit vectors a, with factors of either sign for
 * every output c: with M_c = Σ_j f_cj F_j F_jᵀ it is at most √λ_max(Σ_c M_c²). `most` if they cannot be
 * decomposed.
 *
 * `lengths` are at least √(Σ_c f_cj²), and the numbers whose sums they are.
 */
export function signedForm(
  { matrix, sizes }: Products,
  factors: readonly (readonly number[])[],
  lengths: readonly number[],
  most: number,
): number {
  const own = factor(matrix);
  const largest = Math.max(...lengths);
  if (own === null || !(largest >= UNDERFLOWS && largest < OVERFLOWS)) return most;
  const { root, trace } = own;
  const sum = Matrix.zeros(matrix.rows, matrix.rows);
  for (const numbers of factors) {
    const form = root
      .transpose()
      .mmul(Matrix.diag(numbers.map((f) => f / largest)))
      .mmul(root);
    sum.add(form.mmul(form));
  }
  const scale = sumOf(lengths, sizes) / largest / trace;
  const bound = Math.sqrt(largestEigenvalue(sum) + worstCaseRounding(8 * matrix.rows, scale ** 2));
  return Math.min(most, bound * trace * largest);
}

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { NonFiniteError } from "../core/errors.js";
import type { Random } from "../core/random.js";
import { dot, norm } from "./vectors.js";

/**
 * A Lanczos iteration on a symmetric operator A: orthonormal vectors q_j in which A is tridiagonal. Source: Lanczos, J.
 * Res. Natl. Bur. Stand. 45, 1950.
 */
export interface Krylov {
  /**
   * The latest q_j comes last. Before it: every earlier vector with reorthogonalisation, else the one before, at first
   * zeros.
   */
  readonly vectors: Float64Array[];
  readonly reorthogonalize: boolean;
  /** α_j = q_jᵀ A q_j */
  readonly diagonal: number[];
  /** β_j = ‖A q_j - α_j q_j - β_(j-1) q_(j-1)‖ */
  readonly beside: number[];
}

/** Starts an iteration at a vector of length 1. Without reorthogonalisation it keeps two vectors. */
export function krylov(start: Float64Array, reorthogonalize: boolean): Krylov {
  return {
    vectors: reorthogonalize ? [start] : [new Float64Array(start.length), start],
    reorthogonalize,
    diagonal: [],
    beside: [],
  };
}

function subtract(from: Float64Array, scale: number, vector: Float64Array): void {
  for (let index = 0; index < from.length; index++) from[index] -= scale * vector[index];
}

/**
 * One step of an iteration; `image` is A q_j. Where β_j is 0 the Krylov space is invariant under A, and q_(j+1) is
 * NaN.
 */
export function extend({ vectors, reorthogonalize, diagonal, beside }: Krylov, image: Float64Array): void {
  const current = vectors[vectors.length - 1];
  const alpha = dot(image, current);
  let next: Float64Array;
  if (reorthogonalize) {
    next = image.slice();
    // twice is enough: one pass leaves an error that the second removes (Parlett)
    for (let pass = 0; pass < 2; pass++) for (const vector of vectors) subtract(next, dot(next, vector), vector);
  } else {
    [next] = vectors.splice(0, 1);
    const before = beside.length === 0 ? 0 : beside[beside.length - 1];
    for (let index = 0; index < next.length; index++)
      next[index] = image[index] - (alpha * current[index] + before * next[index]);
  }
  const beta = norm(next);
  for (let index = 0; index < next.length; index++) next[index] /= beta;
  vectors.push(next);
  diagonal.push(alpha);
  beside.push(beta);
}

/** Approximate eigenpairs of A in a Krylov space. */
export interface RitzPairs {
  readonly values: readonly number[];
  /** Column i holds the coefficients of the q_j in Ritz vector i. */
  readonly coefficients: Matrix;
  /** `‖A y - value·y‖` of each Ritz vector y: an eigenvalue lies this near to the value. */
  readonly residuals: readonly number[];
}

/** The Ritz pairs after the steps made so far, one a step. */
export function ritzPairs({ diagonal, beside }: Krylov): RitzPairs {
  const last = diagonal.length - 1;
  const matrix = Matrix.diag(diagonal);
  for (let index = 0; index < last; index++) {
    matrix.set(index, index + 1, beside[index]);
    matrix.set(index + 1, index, beside[index]);
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const residuals = realEigenvalues.map((_, index) => Math.abs(beside[last] * eigenvectorMatrix.get(last, index)));
  return { values: realEigenvalues, coefficients: eigenvectorMatrix, residuals };
}

/** Below this share of the operator's size a new direction is rounding, and the Krylov space is complete. */
const EXHAUSTED = 1e-12;

/**
 * Extreme Ritz values of a symmetric operator from a random start, with full reorthogonalisation.
 *
 * `largest` is at most the largest eigenvalue, `smallest` at least the smallest. An eigenvalue lies within `residual`
 * of `largest`. Source: as `Krylov`; on Hessians of networks: Ghorbani, Krishnan and Xiao, arXiv 1901.10159.
 * @throws NonFiniteError when a product is not finite.
 */
export async function lanczos(
  product: (vector: Float64Array) => Promise<Float64Array>,
  size: number,
  { products, random }: { readonly products: number; readonly random: Random },
): Promise<{
  readonly largest: number;
  readonly smallest: number;
  readonly residual: number;
  readonly products: number;
}> {
  const start = random.normals(size);
  const length = norm(start);
  const space = krylov(
    start.map((value) => value / length),
    true,
  );
  const { vectors, diagonal, beside } = space;
  while (diagonal.length < Math.min(products, size)) {
    extend(space, await product(vectors[vectors.length - 1]));
    const step = diagonal.length - 1;
    if (!Number.isFinite(diagonal[step]))
      throw new NonFiniteError({
        where: "lanczos",
        argument: "product",
        wanted: "finite numbers",
        got: String(diagonal[step]),
      });
    if (beside[step] <= EXHAUSTED * Math.max(...diagonal.map(Math.abs), ...beside)) break;
  }
  const { values, residuals } = ritzPairs(space);
  const largest = Math.max(...values);
  return {
    largest,
    smallest: Math.min(...values),
    residual: residuals[values.indexOf(largest)],
    products: diagonal.length,
  };
}

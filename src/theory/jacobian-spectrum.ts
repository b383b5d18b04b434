import { Matrix } from "ml-matrix";
import { random } from "../core/random.js";
import { extend, krylov, ritzPairs } from "../numerics/lanczos.js";
import { worstCaseRounding } from "../numerics/rounding.js";
import { norm } from "../numerics/vectors.js";
import type { Operator } from "./linearization.js";
import { singularValues } from "./spectrum.js";

/** Bounds `smallest ≤ σ_rows(J)` and `largest ≥ σ_1(J)` for a Jacobian J [rows, columns]. */
export interface JacobianSpectrum {
  readonly smallest: number;
  readonly largest: number;
  /** `ε·max(rows, columns)·σ_max`: singular values up to here count as zero. */
  readonly rounding: number;
  /**
   * "exact": all singular values of the dense matrix. "randomised": bounds that hold with high probability over a
   * random start.
   */
  readonly method: "exact" | "randomised";
}

/** Most rows for a dense singular value decomposition: up to both limits it takes seconds. */
const DENSE_ROWS = 160;
/** Most numbers for a dense singular value decomposition. */
const DENSE_NUMBERS = 2 ** 20;
/**
 * Steps of Lanczos. Reorthogonalisation keeps as many vectors in memory; the slack of the bounds falls with the square
 * of their number.
 */
const LANCZOS_STEPS = 200;
/** Probability that either bound of the randomised method is wrong. */
export const FAILURE_PROBABILITY = 1e-9;

/** The operator as a dense matrix, with one product with the adjoint per row. */
export function denseJacobian({ rows, columns, adjoint }: Operator): Matrix {
  const matrix = Matrix.zeros(rows, columns);
  const unit = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    unit[row] = 1;
    matrix.setRow(row, Array.from(adjoint(unit)));
    unit[row] = 0;
  }
  return matrix;
}

/**
 * Bounds from Lanczos on A = JJᵀ with a start uniform on the sphere.
 *
 * For positive semidefinite A of size n, `P[θ_max < (1-ε) λ_max] ≤ 1.648 √n e^(-√ε(2k-1))` after k steps
 * (Kuczyński & Woźniakowski, SIAM J. Matrix Anal. Appl. 13, 1992). Solved for ε this gives `λ_max ≤ c = θ_max /
 * (1-ε)`, and for `cI - A`, which has the same Krylov space, `λ_min ≥ c - (c - θ_min) / (1-ε)`. Both hold with
 * probability 1 - FAILURE_PROBABILITY at least.
 */
function randomised({ rows, columns, apply, adjoint }: Operator, seed: number): JacobianSpectrum {
  const start = random(seed).normals(rows);
  const length = Math.hypot(...start);
  const space = krylov(
    start.map((value) => value / length),
    true,
  );
  const { vectors, diagonal, beside } = space;
  while (diagonal.length < Math.min(LANCZOS_STEPS, rows)) {
    const image = apply(adjoint(vectors[vectors.length - 1]));
    extend(space, image);
    if (beside[beside.length - 1] <= worstCaseRounding(rows, norm(image))) break; // the Krylov space is invariant
  }
  const { values } = ritzPairs(space);
  const [smallest, largest, steps] = [Math.min(...values), Math.max(...values), diagonal.length];
  const slack = (Math.log((2 * 1.648 * Math.sqrt(rows)) / FAILURE_PROBABILITY) / (2 * steps - 1)) ** 2;
  if (slack >= 1) return { smallest: 0, largest: Infinity, rounding: Infinity, method: "randomised" };
  const ceiling = largest / (1 - slack);
  const floor = ceiling - (ceiling - smallest) / (1 - slack);
  const top = Math.sqrt(ceiling);
  return {
    smallest: columns < rows ? 0 : Math.sqrt(Math.max(0, floor)),
    largest: top,
    rounding: worstCaseRounding(Math.max(rows, columns), top),
    method: "randomised",
  };
}

/**
 * The extreme singular values of a Jacobian that must have full row rank: exact for a small one, bounds for a large
 * one.
 */
export function jacobianSpectrum(jacobian: Operator, seed = 1): JacobianSpectrum {
  const { rows, columns } = jacobian;
  if (rows > DENSE_ROWS || rows * columns > DENSE_NUMBERS) return randomised(jacobian, seed);
  const values = singularValues(denseJacobian(jacobian));
  return {
    smallest: columns < rows ? 0 : values[rows - 1],
    largest: values[0],
    rounding: worstCaseRounding(Math.max(rows, columns), values[0]),
    method: "exact",
  };
}

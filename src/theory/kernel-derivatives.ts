import type { Matrix } from "ml-matrix";
import { compare, emptyPair, multiplied, weigh } from "../cpu/attention-rows.js";
import { initialParameters } from "../cpu/weights.js";
import type { Partials, TiledKernel } from "../kernels/kernel.js";

/** A kernel matrix S and its derivatives. */
export interface KernelDerivatives {
  /** S_tj, row-major [n, n]. */
  readonly weights: Float64Array;
  /** `φ'(s_tj) / Z_t · ∂s_tj/∂q_t`, [n, n, d_k]. */
  readonly byQuery: Float64Array;
  /** `φ'(s_tj) / Z_t · ∂s_tj/∂k_j`, [n, n, d_k]. */
  readonly byKey: Float64Array;
  /** Whether the divisor of a row depends on all its scores. The derivative then subtracts the row's mean output. */
  readonly shared: boolean;
}

/** The weights of queries and keys [n, d_k], and the derivatives for outputs `Σ_j S_tj u_j`. */
export function kernelDerivatives(kernel: TiledKernel, queries: Matrix, keys: Matrix): KernelDerivatives {
  const { formula, normalizer } = kernel;
  const { component = multiplied } = formula;
  const [rows, columns, dim] = [queries.rows, keys.rows, queries.columns];
  const parameters = initialParameters(kernel, rows, columns, dim);
  const [q, k] = [Float64Array.from(queries.to1DArray()), Float64Array.from(keys.to1DArray())];
  const pair = emptyPair();
  const partials: Partials = { product: 0, queryNorm: 0, keyNorm: 0, parameters: new Float64Array(parameters.length) };
  const weights = new Float64Array(rows * columns);
  const byQuery = new Float64Array(rows * columns * dim);
  const byKey = new Float64Array(rows * columns * dim);
  const scores = new Float64Array(columns);
  for (let t = 0; t < rows; t++) {
    const row = weights.subarray(t * columns, (t + 1) * columns);
    for (let j = 0; j < columns; j++) {
      compare(formula, q, t * dim, k, j * dim, dim, pair);
      row[j] = scores[j] = formula.score(pair, parameters);
    }
    const divisor = weigh(row, normalizer, formula);
    for (let j = 0; j < columns; j++) {
      compare(formula, q, t * dim, k, j * dim, dim, pair);
      formula.partials(pair, parameters, partials);
      const slope =
        normalizer === "softmax" ? row[j] : formula.weightDerivative(scores[j], formula.weight(scores[j])) / divisor;
      const start = (t * columns + j) * dim;
      for (let c = 0; c < dim; c++) {
        const [x, y] = [q[t * dim + c], k[j * dim + c]];
        byQuery[start + c] = slope * (partials.product * component.byQuery(x, y) + 2 * partials.queryNorm * x);
        byKey[start + c] = slope * (partials.product * component.byKey(x, y) + 2 * partials.keyNorm * y);
      }
    }
  }
  return { weights, byQuery, byKey, shared: normalizer === "softmax" || normalizer === "sum" };
}

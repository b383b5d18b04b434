import { Matrix } from "ml-matrix";
import type { TiledKernel } from "../kernels/kernel.js";
import { compare, emptyPair, weigh } from "./attention-rows.js";

/** The kernel's parameters for n queries and m keys of width d: those given, else their initial values. */
export function initialParameters(
  kernel: TiledKernel,
  queries: number,
  keys: number,
  dim: number,
  given: Readonly<Record<string, number>> = {},
): Float64Array {
  return Float64Array.from(
    kernel.parameters,
    ({ name, initial }) => given[name] ?? initial({ batch: 1, heads: 1, queries, keys, dim }),
  );
}

/**
 * The matrix of attention weights, float64: S_ij = φ(s(q_i, k_j)), divided by the row sum for a row-normalised kernel.
 *
 * Shapes: q n x d, k m x d gives n x m. The kernel's parameters take their initial values unless `parameters` has them.
 */
export function kernelMatrix(
  kernel: TiledKernel,
  q: Matrix,
  k: Matrix,
  parameters: Readonly<Record<string, number>> = {},
): Matrix {
  const dim = q.columns;
  const learned = initialParameters(kernel, q.rows, k.rows, dim, parameters);
  const keys = k.to2DArray().map((row) => Float64Array.from(row));
  const pair = emptyPair();
  return new Matrix(
    q.to2DArray().map((row) => {
      const query = Float64Array.from(row);
      const weights = Float64Array.from(keys, (key) => {
        compare(kernel.formula, query, 0, key, 0, dim, pair);
        return kernel.formula.score(pair, learned);
      });
      weigh(weights, kernel.normalizer, kernel.formula);
      return Array.from(weights);
    }),
  );
}

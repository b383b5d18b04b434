import { multiply } from "../autograd/arithmetic.js";
import { permute, reshape } from "../autograd/broadcast.js";
import { embedding } from "../autograd/lookup.js";
import { matmul } from "../autograd/matmul.js";
import { slice } from "../autograd/parts.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { indices, type Indices } from "../core/indices.js";
import type { Tensor } from "../core/tensor.js";
import { normalNumbers } from "./initial.js";
import type { ComposedKernel } from "./kernel.js";
import { repeatHeads } from "./mahalanobis.js";
import { densify } from "./mask.js";

export interface FactoredOptions {
  /**
   * The extents of a periodic lattice of tokens, [length] or [rows, columns] in row-major order: weights then depend on the
   * displacement alone, which wraps around. Default: a weight of its own for every pair of positions.
   */
  readonly periodic?: readonly number[];
}

/** The number of the displacement from site j to site i, for all i and j. */
function displacements(lattice: readonly number[]): Indices {
  const sites = lattice.reduce((a, b) => a * b, 1);
  const columns = lattice.at(-1)!;
  const rows = sites / columns;
  const wrap = (difference: number, extent: number): number => (difference + extent) % extent;
  const ids = Array.from({ length: sites * sites }, (_, pair) => {
    const [i, j] = [Math.floor(pair / sites), pair % sites];
    const down = wrap(Math.floor(i / columns) - Math.floor(j / columns), rows);
    return down * columns + wrap((i % columns) - (j % columns), columns);
  });
  return indices(ids, [sites, sites]);
}

/**
 * Factored attention: out_i = Σ_j α_ij v_j with learned weights that depend on positions alone; no softmax, and queries and keys have
 * no part in it.
 *
 * Takes and learns `positions`: [heads, n, m], or with `periodic` [heads, n], one weight for every displacement i - j on the lattice. There
 * is nothing to cache of the keys. A mask takes weights away; what is left is not rescaled. Source: Rende & Viteritti, arXiv 2405.18874.
 */
export function factored({ periodic }: FactoredOptions = {}): ComposedKernel {
  if (periodic !== undefined && (periodic.length < 1 || periodic.length > 2 || !periodic.every((extent) => Number.isInteger(extent) && extent > 0))) {
    throw new ArgumentError({
      where: "factored",
      argument: "periodic",
      wanted: "one or two whole extents of at least 1",
      got: `[${periodic.join(", ")}]`,
    });
  }
  const ids = periodic && displacements(periodic);
  const dense = (positions: Tensor): Tensor => (ids === undefined ? positions : permute(embedding(permute(positions, [1, 0]), ids), [2, 0, 1]));
  return {
    projections: "values",
    name: periodic === undefined ? "factored" : "factored (periodic)",
    inputs: [
      {
        name: "positions",
        forQueries: (positions, first, count) => (ids === undefined ? slice(positions, 1, first, count) : positions),
        initial: (shape, random) => normalNumbers(1 / Math.sqrt(shape.at(-1)!))(shape, random),
        shape({ heads, queries, keys }) {
          if (ids === undefined) return [heads, queries, keys];
          if (queries === ids.shape[0] && keys === queries) return [heads, queries];
          throw new ShapeError({
            where: "attention",
            wanted: `${ids.shape[0]} queries and keys, the sites of the lattice`,
            got: `${queries} queries and ${keys} keys`,
          });
        },
      },
    ],
    options: ["mask"],
    compose({ q, v, positions }, { mask }) {
      const [batch, heads, queries] = q.shape;
      const every = dense(positions);
      const weights = reshape(every, [1, ...every.shape]);
      if (mask === undefined) return matmul(weights, repeatHeads(v, heads));
      const { seen, shape } = densify(mask, { batch, heads, queries, keys: v.shape[2] });
      return matmul(multiply(weights, q.backend.tensor(seen, shape)), repeatHeads(v, heads));
    },
  };
}

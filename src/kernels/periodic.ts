import { permute } from "../autograd/broadcast.js";
import { embedding } from "../autograd/lookup.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { indices, type Indices } from "../core/indices.js";
import type { Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { HeadSizes } from "./kernel.js";

/** Numbers that depend on the displacement between two sites of a periodic lattice alone. */
export interface PeriodicLattice {
  /**
   * [heads, n], a number for each displacement i - j in row-major order; throws unless queries and keys are the
   * lattice's sites.
   */
  readonly shape: (sizes: HeadSizes) => Shape;
  /** [heads, n] to the number of every pair, [heads, n, n]. */
  readonly dense: (positions: Tensor) => Tensor;
  /** The length of every displacement, the shortest way around: [n], in units of the distance between neighbours. */
  readonly distances: Float64Array;
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
 * A periodic lattice of tokens, [length] or [rows, columns]; throws an `ArgumentError` in the name of `where` for other
 * extents.
 */
export function periodicLattice(where: string, extents: readonly number[]): PeriodicLattice {
  if (extents.length < 1 || extents.length > 2 || !extents.every((extent) => Number.isInteger(extent) && extent > 0)) {
    throw new ArgumentError({
      where,
      argument: "periodic",
      wanted: "one or two whole extents of at least 1",
      got: `[${extents.join(", ")}]`,
    });
  }
  const ids = displacements(extents);
  const columns = extents.at(-1)!;
  const around = (step: number, extent: number): number => Math.min(step, extent - step);
  const [sites] = ids.shape;
  return {
    shape({ heads, queries, keys }) {
      if (queries === sites && keys === sites) return [heads, sites];
      throw new ShapeError({
        where: "attention",
        wanted: `${sites} queries and keys, the sites of the lattice`,
        got: `${queries} queries and ${keys} keys`,
      });
    },
    distances: Float64Array.from({ length: sites }, (_, site) =>
      Math.hypot(around(Math.floor(site / columns), sites / columns), around(site % columns, columns)),
    ),
    dense: (positions) => permute(embedding(permute(positions, [1, 0]), ids), [2, 0, 1]),
  };
}

import { ArgumentError } from "../core/errors.js";
import { having } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";

/** A periodic lattice of sites, [length] or [rows, columns] in row-major order. */
export interface Lattice {
  readonly extents: readonly number[];
  readonly sites: number;
}

export const latticeKind = having<Lattice>("a lattice, as chain(length) or square(rows, columns)", [
  "extents",
  "sites",
]);

/** A pair of distinct sites. */
export type Pair = readonly [number, number];

function lattice(where: string, extents: readonly number[]): Lattice {
  const wrong = extents.find((extent) => !Number.isInteger(extent) || extent < 2);
  if (wrong !== undefined)
    throw new ArgumentError({ where, argument: "extent", wanted: "a whole number of at least 2", got: String(wrong) });
  return { extents, sites: extents.reduce((a, b) => a * b, 1) };
}

/** A ring of `length` sites. */
export function chain(length: number): Lattice {
  return lattice("chain", [length]);
}

/** A square lattice on a torus; `columns` defaults to `rows`. */
export function square(rows: number, columns: number = rows): Lattice {
  return lattice("square", [rows, columns]);
}

const wrap = (value: number, extent: number): number => ((value % extent) + extent) % extent;

/** The site at these coordinates, with periodic boundaries. */
export function siteAt({ extents }: Lattice, coordinates: readonly number[]): number {
  return extents.reduce((site, extent, axis) => site * extent + wrap(coordinates[axis], extent), 0);
}

/** The coordinates of a site, one per axis. */
export function coordinatesOf({ extents }: Lattice, site: number): number[] {
  const coordinates: number[] = [];
  for (const extent of [...extents].reverse()) {
    coordinates.unshift(site % extent);
    site = Math.floor(site / extent);
  }
  return coordinates;
}

/**
 * Every pair of sites joined by one of the displacements. A pair that is joined both ways around the torus counts once.
 */
function pairsAt(lattice: Lattice, displacements: readonly (readonly number[])[]): Pair[] {
  const found = new Map<number, Pair>();
  for (let site = 0; site < lattice.sites; site++) {
    const from = coordinatesOf(lattice, site);
    for (const displacement of displacements) {
      const other = siteAt(
        lattice,
        from.map((coordinate, axis) => coordinate + displacement[axis]),
      );
      if (other === site) continue;
      const pair: Pair = site < other ? [site, other] : [other, site];
      found.set(pair[0] * lattice.sites + pair[1], pair);
    }
  }
  return [...found.values()];
}

/** Pairs of sites of `lattice` at the smallest distance: along an axis. */
export function nearestNeighbours(lattice: Lattice): Pair[] {
  checkArguments("nearestNeighbours", { lattice }, { lattice: latticeKind });
  return pairsAt(
    lattice,
    lattice.extents.map((_, axis) => lattice.extents.map((_, other) => (other === axis ? 1 : 0))),
  );
}

/** Pairs of sites of `lattice` at the second smallest distance: two apart on a chain, diagonal on a square. */
export function nextNearestNeighbours(lattice: Lattice): Pair[] {
  checkArguments("nextNearestNeighbours", { lattice }, { lattice: latticeKind });
  return pairsAt(
    lattice,
    lattice.extents.length === 1
      ? [[2]]
      : [
          [1, 1],
          [1, -1],
        ],
  );
}

/** Blocks of b sites (chain) or b × b sites (square), and the lattice that the blocks form. */
export interface Patches {
  /** The sites of each patch. Patches, and sites within one, are in row-major order. */
  readonly sites: readonly (readonly number[])[];
  readonly extents: readonly number[];
}

/** Throws unless a width divides every extent. */
export function checkDivisor(where: string, argument: string, { extents }: Lattice, width: number): void {
  if (Number.isInteger(width) && width >= 1 && extents.every((extent) => extent % width === 0)) return;
  throw new ArgumentError({
    where,
    argument,
    wanted: `a divisor of the extents [${extents.join(", ")}]`,
    got: String(width),
  });
}

/**
 * Cuts a lattice into patches of width b along every axis. Throws an `ArgumentError` if b does not divide an extent.
 */
export function patches(lattice: Lattice, b: number): Patches {
  checkArguments("patches", { lattice }, { lattice: latticeKind });
  checkDivisor("patches", "b", lattice, b);
  const extents = lattice.extents.map((extent) => extent / b);
  const dimension = extents.length;
  const coarse: Lattice = { extents, sites: lattice.sites / b ** dimension };
  const inside: Lattice = { extents: extents.map(() => b), sites: b ** dimension };
  const sites = Array.from({ length: coarse.sites }, (_, patch) => {
    const corner = coordinatesOf(coarse, patch).map((coordinate) => coordinate * b);
    return Array.from({ length: inside.sites }, (_, index) =>
      siteAt(
        lattice,
        coordinatesOf(inside, index).map((step, axis) => corner[axis] + step),
      ),
    );
  });
  return { sites, extents };
}

import { ArgumentError } from "../core/errors.js";
import { finite, having } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import {
  coordinatesOf,
  latticeKind,
  nearestNeighbours,
  nextNearestNeighbours,
  siteAt,
  type Lattice,
  type Pair,
} from "./lattice.js";

/** J S_i·S_j of spins 1/2. */
export interface Bond {
  readonly i: number;
  readonly j: number;
  readonly coupling: number;
}

/**
 * H = Σ_bonds J S_i·S_j. In the S^z basis a bond contributes J/4 to the diagonal for parallel spins and -J/4 for
 * antiparallel spins. It contributes J/2 between configurations that differ by an exchange of its antiparallel spins.
 * No sign rule is imposed. Antiferromagnetic for J > 0.
 */
export interface Hamiltonian {
  readonly lattice: Lattice;
  readonly bonds: readonly Bond[];
}

export const hamiltonianKind = having<Hamiltonian>("a Hamiltonian, such as heisenberg(lattice)", ["lattice", "bonds"]);

const bondsOf = (pairs: readonly Pair[], coupling: number): Bond[] =>
  coupling === 0 ? [] : pairs.map(([i, j]) => ({ i, j, coupling }));

/** Couplings of the J1-J2 model. */
export interface J1J2 {
  /** Between nearest neighbours. Default 1. */
  readonly j1?: number;
  /** Between next-nearest neighbours. Default 0. */
  readonly j2?: number;
}

/** The J1-J2 Heisenberg model on `lattice`, H = J1 Σ_⟨ij⟩ S_i·S_j + J2 Σ_⟨⟨ij⟩⟩ S_i·S_j, every pair once. */
export function heisenberg(lattice: Lattice, options: J1J2 = {}): Hamiltonian {
  checkArguments("heisenberg", { lattice }, { lattice: latticeKind });
  const { j1 = 1, j2 = 0 } = checkOptions("heisenberg", options, { j1: finite, j2: finite });
  return {
    lattice,
    bonds: [...bondsOf(nearestNeighbours(lattice), j1), ...bondsOf(nextNearestNeighbours(lattice), j2)],
  };
}

/**
 * The dimers of the Shastry-Sutherland lattice: diagonals of every other plaquette in rows and columns, with
 * alternating direction, so that every site has one partner. The numbers of rows and columns must be even and above 2.
 */
export function shastrySutherlandDimers(lattice: Lattice): Pair[] {
  checkArguments("shastrySutherlandDimers", { lattice }, { lattice: latticeKind });
  const { extents } = lattice;
  if (extents.length !== 2 || extents.some((extent) => extent % 2 !== 0 || extent < 4)) {
    throw new ArgumentError({
      where: "shastrySutherlandDimers",
      argument: "lattice",
      wanted: "a square lattice with even extents of at least 4",
      got: `[${extents.join(", ")}]`,
    });
  }
  return Array.from({ length: lattice.sites }, (_, site) => coordinatesOf(lattice, site)).flatMap(
    ([row, column]): Pair[] => {
      if (row % 2 !== column % 2) return [];
      const even = row % 2 === 0;
      return [[siteAt(lattice, [even ? row : row + 1, column]), siteAt(lattice, [even ? row + 1 : row, column + 1])]];
    },
  );
}

/**
 * The Shastry-Sutherland model on `lattice`: coupling `dimer` (default 1) on the dimers, `inter` (default 0) between
 * nearest neighbours. The product of singlets on the dimers is an eigenstate with energy -3/8 dimer per site for every
 * `inter`. Source: Shastry & Sutherland, Physica B+C 108, 1069 (1981).
 */
export function shastrySutherland(
  lattice: Lattice,
  options: { readonly dimer?: number; readonly inter?: number } = {},
): Hamiltonian {
  checkArguments("shastrySutherland", { lattice }, { lattice: latticeKind });
  const { dimer = 1, inter = 0 } = checkOptions("shastrySutherland", options, { dimer: finite, inter: finite });
  return {
    lattice,
    bonds: [...bondsOf(shastrySutherlandDimers(lattice), dimer), ...bondsOf(nearestNeighbours(lattice), inter)],
  };
}

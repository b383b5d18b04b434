import { ArgumentError } from "../core/errors.js";
import { finite, flag, having } from "../core/kinds.js";
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
  /** Sign of the exchange, -1 in a basis in which one of the two spins is turned by π about z. Default 1. */
  readonly sign?: 1 | -1;
}

/**
 * H = Σ_bonds J S_i·S_j. In the S^z basis a bond contributes J/4 to the diagonal for parallel spins and -J/4 for
 * antiparallel spins. It contributes J/2, times its sign, between configurations that differ by an exchange of its
 * antiparallel spins. Antiferromagnetic for J > 0.
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
  /**
   * Whether ψ is taken in the basis of Marshall's sign rule: ψ(σ) is multiplied by -1 for each spin up on one of two
   * sublattices, so that exchanges of nearest neighbours have the sign -1. Energies stay; without J2 the ground state
   * becomes positive. Default false.
   */
  readonly marshall?: boolean;
}

/**
 * The J1-J2 Heisenberg model on `lattice`, every pair once:
 * H = J1 Σ_⟨ij⟩ S_i·S_j + J2 Σ_⟨⟨ij⟩⟩ S_i·S_j.
 *
 * Throws an `ArgumentError` for Marshall's rule on a lattice with an odd extent, which has no two sublattices.
 * Source of the rule: Marshall, Proc. R. Soc. A 232, 48 (1955).
 */
export function heisenberg(lattice: Lattice, options: J1J2 = {}): Hamiltonian {
  checkArguments("heisenberg", { lattice }, { lattice: latticeKind });
  const kinds = { j1: finite, j2: finite, marshall: flag };
  const { j1 = 1, j2 = 0, marshall = false } = checkOptions("heisenberg", options, kinds);
  const odd = lattice.extents.find((extent) => extent % 2 !== 0);
  if (marshall && odd !== undefined)
    throw new ArgumentError({
      where: "heisenberg",
      argument: "marshall",
      wanted: "false for an odd extent, which has no two sublattices",
      got: `true for an extent of ${odd}`,
    });
  const near = bondsOf(nearestNeighbours(lattice), j1);
  return {
    lattice,
    bonds: [
      ...(marshall ? near.map((bond) => ({ ...bond, sign: -1 as const })) : near),
      ...bondsOf(nextNearestNeighbours(lattice), j2),
    ],
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

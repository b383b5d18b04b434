import { listOf, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { symmetryKind, type Symmetry } from "./symmetry.js";

/** A key that identifies a configuration: a number for up to 52 spins, where it is exact. */
export type Key = number | string;
const NUMBER_SITES = 52;

/** The keys of rows of spins. */
export function keysOf(spins: Int8Array, sites: number): Key[] {
  return Array.from({ length: spins.length / sites }, (_, row) => {
    if (sites > NUMBER_SITES)
      return Array.from(spins.subarray(row * sites, (row + 1) * sites), (spin) => (spin > 0 ? "1" : "0")).join("");
    let key = 0;
    for (let at = row * sites; at < (row + 1) * sites; at++) key = 2 * key + (spins[at] > 0 ? 1 : 0);
    return key;
  });
}

/** The distinct rows, and the index of every row among them. */
export interface DistinctRows {
  readonly spins: Int8Array;
  readonly order: Int32Array;
}

/** Removes repeated configurations and keeps the order of first appearance. */
export function distinctRows(spins: Int8Array, sites: number): DistinctRows {
  const places = new Map<Key, number>();
  const firsts: number[] = [];
  const order = Int32Array.from(keysOf(spins, sites), (key, row) => {
    let place = places.get(key);
    if (place === undefined) {
      place = firsts.push(row) - 1;
      places.set(key, place);
    }
    return place;
  });
  const kept = new Int8Array(firsts.length * sites);
  firsts.forEach((row, place) => kept.set(spins.subarray(row * sites, (row + 1) * sites), place * sites));
  return { spins: kept, order };
}

/**
 * Maps every row of spins to a representative image under a group of symmetries, the same for all images of a
 * configuration.
 */
export type Representatives = (spins: Int8Array) => Int8Array;

/** Most configurations in the cache. */
const MOST_REMEMBERED = 2 ** 18;

/**
 * Whether the image of a row under a symmetry is smaller than another row. A row is smaller if its first different spin
 * is down.
 */
function isSmaller(spins: Int8Array, { sites, flip }: Symmetry, other: Int8Array): boolean {
  const sign = flip ? -1 : 1;
  for (let site = 0; site < sites.length; site++) {
    const difference = sign * spins[sites[site]] - other[site];
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/**
 * Maps every configuration of `sites` spins to its smallest image under all elements of a group, in lexicographic order
 * of the spins. Results are cached, because the same configurations return in every step.
 *
 * @example
 * const problem = { ansatz: model, hamiltonian, represent: representativesOf(16, translations(square(4), 2)) };
 */
export function representativesOf(sites: number, group: readonly Symmetry[]): Representatives {
  checkArguments("representativesOf", { sites, group }, { sites: whole(1), group: listOf(symmetryKind, "a symmetry") });
  if (group.length < 2) return (spins) => spins;
  const known = new Map<Key, Int8Array>();
  const smallest = (spins: Int8Array): Int8Array => {
    const best = spins.slice();
    for (const element of group) {
      if (!isSmaller(spins, element, best)) continue;
      for (let site = 0; site < sites; site++)
        best[site] = element.flip ? -spins[element.sites[site]] : spins[element.sites[site]];
    }
    return best;
  };
  return (spins) => {
    if (known.size > MOST_REMEMBERED) known.clear();
    const chosen = new Int8Array(spins.length);
    keysOf(spins, sites).forEach((key, row) => {
      let image = known.get(key);
      if (image === undefined) known.set(key, (image = smallest(spins.subarray(row * sites, (row + 1) * sites))));
      chosen.set(image, row * sites);
    });
    return chosen;
  };
}

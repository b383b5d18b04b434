import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { having, numbers, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";

/** The configurations of N spins with S^z = 0: bit i of a state is 1 where spin i points up. */
export interface Sector {
  readonly sites: number;
  readonly dimension: number;
  /** In ascending order. */
  readonly states: Uint32Array;
  /** The place of a state in `states`. */
  readonly rank: (state: number) => number;
}

/** The most spins: states are bit patterns in 32-bit words, and the number of spins is even. */
export const MOST_SITES = 30;

/** C(n, k), exact below 2^53. */
function binomial(n: number, k: number): number {
  let value = 1;
  for (let step = 1; step <= k; step++) value = (value * (n - k + step)) / step;
  return Math.round(value);
}

/** Throws unless the number of spins is even and positive. */
export function checkSites(where: string, sites: number): void {
  if (Number.isInteger(sites) && sites > 0 && sites % 2 === 0) return;
  throw new ArgumentError({
    where,
    argument: "sites",
    wanted: "an even number of spins, as S^z = 0 has",
    got: String(sites),
  });
}

/** The number of configurations of N = `sites` spins with as many up as down, C(N, N/2). */
export function sectorDimension(sites: number): number {
  checkSites("sector", sites);
  return binomial(sites, sites / 2);
}

/** Throws unless the sector S^z = 0 of this number of spins can be enumerated. */
export function checkEnumerable(where: string, sites: number): void {
  checkSites(where, sites);
  if (sites <= MOST_SITES) return;
  throw new UnsupportedError({
    where,
    argument: "sites",
    wanted: `at most ${MOST_SITES} spins`,
    got: String(sites),
    fix: "Sample instead of enumerating.",
  });
}

/**
 * Enumerates the sector S^z = 0 of `sites` spins, an even number up to 30.
 *
 * @example
 * const { states, rank } = sector(4); // six states; rank(states[2]) is 2
 */
export function sector(sites: number): Sector {
  checkEnumerable("sector", sites);
  const dimension = sectorDimension(sites);
  const up = sites / 2;
  const states = new Uint32Array(dimension);
  let state = 2 ** up - 1;
  for (let index = 0; index < dimension; index++) {
    states[index] = state;
    // The next larger number with as many ones (Gosper).
    const low = state & -state;
    const carried = state + low;
    state = (((state ^ carried) >>> 2) / low) | carried;
  }
  const choose = Array.from({ length: sites }, (_, n) =>
    Float64Array.from({ length: up + 1 }, (_, k) => (k > n ? 0 : binomial(n, k))),
  );
  return {
    sites,
    dimension,
    states,
    /** The number of smaller patterns: Σ_k C(p_k, k) over the positions p_1 < p_2 < ... of the ones. */
    rank(pattern) {
      let below = 0;
      for (let rest = pattern, ones = 1; rest !== 0; rest &= rest - 1, ones++)
        below += choose[31 - Math.clz32(rest & -rest)][ones];
      return below;
    },
  };
}

export const spinsKind = having<Int8Array>("spins ±1 in an Int8Array", ["length", "subarray"]);

/** Converts states to spins ±1, row-major [states, sites]. */
export function spinsOf(states: ArrayLike<number>, sites: number): Int8Array {
  checkArguments("spinsOf", { states, sites }, { states: numbers, sites: whole(1) });
  const spins = new Int8Array(states.length * sites);
  for (let row = 0; row < states.length; row++) {
    for (let site = 0; site < sites; site++) spins[row * sites + site] = (states[row] >>> site) & 1 ? 1 : -1;
  }
  return spins;
}

import { ArgumentError } from "../core/errors.js";
import { generator, having, numbers, whole, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Random } from "../core/random.js";
import type { LogAmplitude } from "./amplitudes.js";
import { complex } from "./complex.js";
import { latticeKind, nearestNeighbours, nextNearestNeighbours, type Lattice } from "./lattice.js";
import { distinctRows, type DistinctRows } from "./orbits.js";
import { checkEnumerable, checkSites, sector, spinsOf } from "./sector.js";

/** Draws from |ψ|²: the distinct configurations, and the index of each draw among them, chain by chain. */
export interface Samples extends DistinctRows {
  readonly chains: number;
  /** Share of accepted proposals; absent if the sampler proposes nothing. */
  readonly acceptance?: number;
  /** |ψ|² of each row, present if the rows are all configurations. Means over |ψ|² are then exact sums. */
  readonly weights?: Float64Array;
}

export const samplesKind = having<Samples>("draws, as a sampler gives", ["spins", "order", "chains"]);

/** Draws `count` configurations, in a whole number of chains of equal length. */
export type Sampler = (logAmplitude: LogAmplitude, count: number) => Promise<Samples>;

/**
 * Weights of the distinct rows [sites] of `samples` in means over |ψ|²: shares of draws, or |ψ|². They sum to 1.
 */
export function shares(samples: Samples, sites: number): Float64Array {
  checkArguments("shares", { samples, sites }, { samples: samplesKind, sites: whole(1) });
  const { order, spins, weights } = samples;
  if (weights !== undefined) return weights;
  const counts = new Float64Array(spins.length / sites);
  for (const row of order) counts[row]++;
  return counts.map((count) => count / order.length);
}

/** |ψ|² over the whole sector S^z = 0, normalised. */
export async function probabilities(
  sites: number,
  logAmplitude: LogAmplitude,
): Promise<{ spins: Int8Array; weights: Float64Array }> {
  const { states } = sector(sites);
  const spins = spinsOf(states, sites);
  const amplitudes = await logAmplitude(spins);
  checkArguments("logAmplitude", { amplitudes }, { amplitudes: complex });
  const { re } = amplitudes;
  const largest = re.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = re.map((value) => Math.exp(2 * (value - largest)));
  const total = weights.reduce((a, b) => a + b, 0);
  return { spins, weights: weights.map((weight) => weight / total) };
}

/**
 * Enumerates the whole sector S^z = 0 of `sites` spins, up to some twenty, instead of drawing. Means over |ψ|² become
 * exact sums.
 *
 * @example
 * const { energy } = await measure({ ansatz: model, hamiltonian }, logAmplitude, summation(16), 0);
 */
export function summation(sites: number): Sampler {
  checkArguments("summation", { sites }, { sites: whole(1) });
  checkEnumerable("summation", sites);
  return async (logAmplitude) => {
    const { spins, weights } = await probabilities(sites, logAmplitude);
    return { spins, order: Int32Array.from(weights, (_, row) => row), chains: 1, weights };
  };
}

/** Groups of independent draws, treated as chains so that the groups can be compared. */
export const GROUPS = 16;

function divided(count: number, chains: number, where: string): number {
  const length = count / chains;
  if (Number.isInteger(length) && length >= 1) return length;
  throw new ArgumentError({
    where,
    argument: "count",
    wanted: `a multiple of the ${chains} chains`,
    got: String(count),
  });
}

/**
 * Independent draws with `random` by enumeration of the sector S^z = 0 of `sites` spins, up to some twenty. Their
 * number must be a multiple of 16: they form 16 groups in place of chains.
 *
 * @example
 * const samples = await exactSampler(16, random(1))(logAmplitude, 1024);
 */
export function exactSampler(sites: number, random: Random): Sampler {
  checkArguments("exactSampler", { sites, random }, { sites: whole(1), random: generator });
  checkEnumerable("exactSampler", sites);
  return async (logAmplitude, count) => {
    divided(count, GROUPS, "exactSampler");
    const { spins, weights } = await probabilities(sites, logAmplitude);
    const cumulative = new Float64Array(weights.length);
    weights.reduce((sum, weight, index) => (cumulative[index] = sum + weight), 0);
    const drawn = new Int8Array(count * sites);
    for (let draw = 0; draw < count; draw++) {
      const wanted = random.uniform() * cumulative[cumulative.length - 1];
      let [low, high] = [0, cumulative.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (cumulative[middle] > wanted) high = middle;
        else low = middle + 1;
      }
      drawn.set(spins.subarray(low * sites, (low + 1) * sites), draw * sites);
    }
    return { ...distinctRows(drawn, sites), chains: GROUPS };
  };
}

/** Options of `metropolisSampler`. */
export interface MetropolisOptions {
  /** Default 64. */
  readonly chains?: number;
  /** Proposals per chain between two draws. Default the number of sites. */
  readonly sweep?: number;
  /** Proposals per chain before the first draw of each call. Default one sweep. */
  readonly burnIn?: number;
  /**
   * Spins ±1 of the chains [chains, sites], with as many up as down in each. Sampling changes them in place. Default
   * random.
   */
  readonly current?: Int8Array;
}

/** Random spins ±1 of `lattice`, drawn with `random`, with as many up as down in each chain: [chains, sites]. */
export function randomChains(lattice: Lattice, chains: number, random: Random): Int8Array {
  checkArguments(
    "randomChains",
    { lattice, chains, random },
    { lattice: latticeKind, chains: whole(1), random: generator },
  );
  const { sites } = lattice;
  checkSites("randomChains", sites);
  const half = Array.from({ length: sites }, (_, site) => (site < sites / 2 ? 1 : -1));
  return Int8Array.from(Array.from({ length: chains }, () => random.shuffle(half)).flat());
}

/** Throws unless every chain has spins ±1 with the sum 0. */
function checkChains(current: Int8Array, chains: number, sites: number): void {
  const complain = (wanted: string, got: string): never => {
    throw new ArgumentError({ where: "metropolisSampler", argument: "current", wanted, got });
  };
  if (current.length !== chains * sites)
    complain(`${chains} chains of ${sites} spins, ${chains * sites} in all`, String(current.length));
  for (let chain = 0; chain < chains; chain++) {
    const spins = current.subarray(chain * sites, (chain + 1) * sites);
    const odd = spins.find((spin) => Math.abs(spin) !== 1);
    if (odd !== undefined) complain("spins 1 and -1", `${odd} in chain ${chain}`);
    const total = spins.reduce((sum, spin) => sum + spin, 0);
    if (total !== 0) complain("as many spins up as down", `a chain ${chain} whose spins sum to ${total}`);
  }
}

/**
 * Metropolis sampling in the sector S^z = 0 of `lattice`. A proposal exchanges the spins of a random pair of nearest or
 * next-nearest neighbours. It is accepted with probability min(1, |ψ'/ψ|²).
 *
 * All chains are evaluated at once, and each call continues them. Throws an `ArgumentError` for an odd number of sites,
 * and for chains outside the sector.
 *
 * @example
 * const sampler = metropolisSampler(square(6), random(1), { chains: 128 });
 * const samples = await sampler(logAmplitude, 1024);
 */
export function metropolisSampler(lattice: Lattice, random: Random, options: MetropolisOptions = {}): Sampler {
  checkArguments("metropolisSampler", { lattice, random }, { lattice: latticeKind, random: generator });
  const kinds = { chains: whole(1), sweep: whole(1), burnIn: whole(0), current: numbers as Kind<Int8Array> };
  const { sites } = lattice;
  checkSites("metropolisSampler", sites);
  const {
    chains = 64,
    sweep = sites,
    burnIn = sweep,
    current = randomChains(lattice, chains, random),
  } = checkOptions("metropolisSampler", options, kinds);
  checkChains(current, chains, sites);
  const pairs = [...nearestNeighbours(lattice), ...nextNearestNeighbours(lattice)];
  return async (logAmplitude, count) => {
    const length = divided(count, chains, "metropolisSampler");
    const logs = (await logAmplitude(current)).re;
    let [proposed, taken] = [0, 0];

    async function advance(): Promise<void> {
      const tries: { chain: number; i: number; j: number }[] = [];
      for (let chain = 0; chain < chains; chain++) {
        const [i, j] = pairs[random.integer(pairs.length)];
        if (current[chain * sites + i] !== current[chain * sites + j])
          tries.push({ chain, i: chain * sites + i, j: chain * sites + j });
      }
      proposed += chains;
      if (tries.length === 0) return;
      const rows = new Int8Array(tries.length * sites);
      tries.forEach(({ chain, i, j }, row) => {
        rows.set(current.subarray(chain * sites, (chain + 1) * sites), row * sites);
        const shift = (row - chain) * sites;
        [rows[i + shift], rows[j + shift]] = [rows[j + shift], rows[i + shift]];
      });
      const { re } = await logAmplitude(rows);
      tries.forEach(({ chain, i, j }, row) => {
        if (random.uniform() >= Math.exp(2 * (re[row] - logs[chain]))) return;
        [current[i], current[j]] = [current[j], current[i]];
        logs[chain] = re[row];
        taken++;
      });
    }

    for (let step = 0; step < burnIn; step++) await advance();
    const drawn = new Int8Array(count * sites);
    for (let draw = 0; draw < length; draw++) {
      for (let step = 0; step < sweep; step++) await advance();
      for (let chain = 0; chain < chains; chain++)
        drawn.set(current.subarray(chain * sites, (chain + 1) * sites), (chain * length + draw) * sites);
    }
    return { ...distinctRows(drawn, sites), chains, acceptance: taken / proposed };
  };
}

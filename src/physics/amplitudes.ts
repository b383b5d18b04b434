import { ShapeError } from "../core/errors.js";
import type { Ansatz, AnsatzParameters } from "./ansatz.js";
import type { ComplexNumbers } from "./complex.js";
import { imagesOf, type Symmetry } from "./symmetry.js";

/** log ψ of configurations, spins ±1 [rows, sites]. */
export type LogAmplitude = (spins: Int8Array) => Promise<ComplexNumbers>;

/** A configuration as a key: exact as a number up to 52 spins. */
type Key = number | string;
const NUMBER_SITES = 52;
/** Configurations that the ansatz sees at once. */
const MOST_ROWS = 2048;
/** Rows come in multiples of this: few different shapes need few programs and blocks of memory. */
const ROUND = 64;

/** Rows up to a multiple of 64, with the first one repeated. */
export function rounded(spins: Int8Array, sites: number): Int8Array {
  const rows = spins.length / sites;
  const padded = new Int8Array(Math.ceil(rows / ROUND) * ROUND * sites);
  padded.set(spins);
  for (let at = spins.length; at < padded.length; at += sites) padded.set(spins.subarray(0, sites), at);
  return padded;
}

/** The keys of rows of spins. */
export function keysOf(spins: Int8Array, sites: number): Key[] {
  return Array.from({ length: spins.length / sites }, (_, row) => {
    const own = spins.subarray(row * sites, (row + 1) * sites);
    if (sites > NUMBER_SITES) return Array.from(own, (spin) => (spin > 0 ? "1" : "0")).join("");
    let key = 0;
    for (const spin of own) key = 2 * key + (spin > 0 ? 1 : 0);
    return key;
  });
}

/** The different rows, and for every row which of them it is. */
export interface DistinctRows {
  readonly spins: Int8Array;
  readonly order: Int32Array;
}

/** Leaves out repeated configurations, in the order of their first appearance. */
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

/** For every row the image under one of the symmetries whose key is smallest. */
export function representatives(spins: Int8Array, sites: number, symmetries: readonly Symmetry[]): Int8Array {
  if (symmetries.length < 2) return spins;
  const images = imagesOf(spins, symmetries);
  const keys = keysOf(images, sites);
  const rows = spins.length / sites;
  const chosen = new Int8Array(spins.length);
  for (let row = 0; row < rows; row++) {
    let best = row;
    for (let image = row + rows; image < keys.length; image += rows) if (keys[image] < keys[best]) best = image;
    chosen.set(images.subarray(best * sites, (best + 1) * sites), row * sites);
  }
  return chosen;
}

/**
 * log ψ of an ansatz that remembers what it has computed, so that no configuration is computed twice: for parameters that do not change.
 *
 * `invariances` are symmetries under which the ansatz is exactly invariant, such as translations by whole patches for a kernel that
 * depends on displacements alone: then one image of each orbit is computed.
 */
export function rememberedAmplitudes(ansatz: Ansatz, parameters: AnsatzParameters, invariances: readonly Symmetry[] = []): LogAmplitude {
  const { sites } = ansatz.lattice;
  const { backend } = parameters.embedding.weight;
  const places = new Map<Key, number>();
  const known = { re: [] as number[], im: [] as number[] };

  async function compute(spins: Int8Array): Promise<void> {
    for (let start = 0; start < spins.length; start += MOST_ROWS * sites) {
      const part = spins.subarray(start, start + MOST_ROWS * sites);
      const { re, im } = backend.scope(() => ansatz.apply(parameters, ansatz.tokens(backend, rounded(part, sites))));
      for (const [numbers, into] of [[await re.read(), known.re], [await im.read(), known.im]] as const) {
        for (const value of numbers.subarray(0, part.length / sites)) into.push(value);
      }
      re.dispose();
      im.dispose();
    }
  }

  return async (spins) => {
    if (spins.length % sites !== 0) throw new ShapeError({ where: "rememberedAmplitudes", argument: "spins", wanted: `rows of ${sites} spins`, got: `${spins.length} spins` });
    const wanted = representatives(spins, sites, invariances);
    const keys = keysOf(wanted, sites);
    const missing: number[] = [];
    keys.forEach((key, row) => {
      if (places.has(key)) return;
      places.set(key, known.re.length + missing.length);
      missing.push(row);
    });
    const rows = new Int8Array(missing.length * sites);
    missing.forEach((row, place) => rows.set(wanted.subarray(row * sites, (row + 1) * sites), place * sites));
    await compute(rows);
    const found = keys.map((key) => places.get(key)!);
    return { re: Float64Array.from(found, (place) => known.re[place]), im: Float64Array.from(found, (place) => known.im[place]) };
  };
}

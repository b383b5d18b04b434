import { ShapeError } from "../core/errors.js";
import { callable } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { ansatzKind, ansatzParameters, type Ansatz } from "./ansatz.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import type { ComplexNumbers } from "./complex.js";
import { keysOf, type Key, type Representatives } from "./orbits.js";

/** log ψ of configurations, spins ±1 [rows, sites]. */
export type LogAmplitude = (spins: Int8Array) => Promise<ComplexNumbers>;

/** Most configurations, counting images, that the ansatz evaluates at once. */
const MOST_IMAGES = 2048;
/** The number of images is rounded up to a multiple of this, so that few shapes need programs and memory. */
const ROUND = 64;

/** Pads rows to a multiple of 64 images by repeating the first row. */
export function rounded(spins: Int8Array, sites: number, images: number): Int8Array {
  const step = Math.max(1, Math.ceil(ROUND / images));
  const rows = Math.ceil(spins.length / sites / step) * step;
  const padded = new Int8Array(rows * sites);
  padded.set(spins);
  for (let at = spins.length; at < padded.length; at += sites) padded.set(spins.subarray(0, sites), at);
  return padded;
}

const itself: Representatives = (spins) => spins;

/**
 * log ψ of an `ansatz` with a cache, so that no configuration is computed twice. The parameters must not change.
 *
 * `represent` maps configurations to images with the same ψ, under symmetries that leave the ansatz exactly invariant.
 * Then one image of each orbit is computed. Default: every configuration is its own image.
 *
 * @example
 * const logAmplitude = rememberedAmplitudes(model, parameters);
 * const { re, im } = await logAmplitude(spins); // log ψ [rows] of spins ±1 [rows, sites]
 */
export function rememberedAmplitudes(
  ansatz: Ansatz,
  parameters: AnsatzParameters,
  represent: Representatives = itself,
): LogAmplitude {
  checkArguments(
    "rememberedAmplitudes",
    { ansatz, parameters, represent },
    { ansatz: ansatzKind, parameters: ansatzParameters, represent: callable },
  );
  const {
    lattice: { sites },
    images,
  } = ansatz;
  const { backend } = parameters.embedding.weight;
  const places = new Map<Key, number>();
  const known = { re: [] as number[], im: [] as number[] };

  async function compute(spins: Int8Array): Promise<void> {
    const step = Math.max(1, Math.floor(MOST_IMAGES / images)) * sites;
    for (let start = 0; start < spins.length; start += step) {
      const part = spins.subarray(start, start + step);
      const { re, im } = backend.scope(() =>
        ansatz.apply(parameters, ansatz.tokens(backend, rounded(part, sites, images))),
      );
      for (const [numbers, into] of [
        [await re.read(), known.re],
        [await im.read(), known.im],
      ] as const) {
        for (const value of numbers.subarray(0, part.length / sites)) into.push(value);
      }
      re.dispose();
      im.dispose();
    }
  }

  return async (spins) => {
    if (spins.length % sites !== 0)
      throw new ShapeError({
        where: "rememberedAmplitudes",
        argument: "spins",
        wanted: `rows of ${sites} spins`,
        got: `${spins.length} spins`,
      });
    const wanted = represent(spins);
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
    return {
      re: Float64Array.from(found, (place) => known.re[place]),
      im: Float64Array.from(found, (place) => known.im[place]),
    };
  };
}

import { ShapeError } from "../core/errors.js";
import { callable } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { cpu } from "../cpu/cpu.js";
import { ansatzKind, ansatzParameters, partsOf, type Ansatz } from "./ansatz.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import type { ComplexNumbers } from "./complex.js";
import { laneAmplitudes, type LaneAmplitudes } from "./lanes.js";
import { keysOf, type Key, type Representatives } from "./orbits.js";

/** log ψ of configurations, spins ±1 [rows, sites]. */
export type LogAmplitude = (spins: Int8Array) => Promise<ComplexNumbers>;

/** Most images that are evaluated at once: many on a GPU, where each call takes time; on the CPU what caches hold. */
const MOST_IMAGES = { gpu: 2048, cpu: 256 };
/** On a GPU the number of images is rounded up to a multiple of this, so that few shapes need programs and memory. */
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

const lanes = new WeakMap<Ansatz, ReturnType<typeof laneAmplitudes>>();

/** log ψ on lanes of the CPU, once for each wave function; undefined where there is none. */
function lanesOf(ansatz: Ansatz): ReturnType<typeof laneAmplitudes> {
  const parts = partsOf(ansatz);
  if (parts !== undefined && !lanes.has(ansatz)) lanes.set(ansatz, laneAmplitudes(parts.encoder));
  return lanes.get(ansatz);
}

/** log ψ of `ansatz` with `parameters`, on their backend. The parameters must not change. */
export function amplitudesOf(ansatz: Ansatz, parameters: AnsatzParameters): LogAmplitude {
  const {
    lattice: { sites },
    images,
  } = ansatz;
  const { backend } = parameters.embedding.weight;
  const isCpu = backend.device.kind === "cpu";
  const step = Math.max(1, Math.floor(MOST_IMAGES[isCpu ? "cpu" : "gpu"] / images)) * sites;
  const parts = backend === cpu ? partsOf(ansatz) : undefined;
  const onLanes = parts && lanesOf(ansatz);
  let loaded: Promise<LaneAmplitudes> | undefined;
  return async (spins) => {
    const rows = spins.length / sites;
    const ofTokens = rows > 0 ? await (loaded ??= onLanes?.(parameters)) : undefined;
    const amplitudes = { re: new Float64Array(rows), im: new Float64Array(rows) };
    for (let start = 0; start < spins.length; start += step) {
      const part = spins.subarray(start, start + step);
      const whole = isCpu ? part : rounded(part, sites, images);
      const numbers = parts && ofTokens?.(parts.cut(whole));
      const found = backend.scope(() => {
        if (parts === undefined || numbers === undefined)
          return ansatz.apply(parameters, ansatz.tokens(backend, whole));
        const tensor = (values: Float64Array): Tensor => backend.adopt(values, [part.length / sites, images], "f64");
        return parts.total({ re: tensor(numbers.re), im: tensor(numbers.im) });
      });
      for (const name of ["re", "im"] as const)
        amplitudes[name].set((await found[name].read()).subarray(0, part.length / sites), start / sites);
      found.re.dispose();
      found.im.dispose();
    }
    return amplitudes;
  };
}

const itself: Representatives = (spins) => spins;

/** log ψ by `evaluate`, with the cache of `rememberedAmplitudes`. */
export function remembered(sites: number, evaluate: LogAmplitude, represent: Representatives = itself): LogAmplitude {
  const places = new Map<Key, number>();
  const known = { re: [] as number[], im: [] as number[] };
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
    const { re, im } = await evaluate(rows);
    for (const value of re) known.re.push(value);
    for (const value of im) known.im.push(value);
    const found = keys.map((key) => places.get(key)!);
    return {
      re: Float64Array.from(found, (place) => known.re[place]),
      im: Float64Array.from(found, (place) => known.im[place]),
    };
  };
}

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
  return remembered(ansatz.lattice.sites, amplitudesOf(ansatz, parameters), represent);
}

import { add, expand, reshape } from "../../autograd/ops.js";
import { keeping, recording, Tape } from "../../autograd/tape.js";
import { disposeTree, type Tensor } from "../../core/tensor.js";
import { cpu } from "../../cpu/cpu.js";
import type { NamedTensors } from "../../nn/split.js";
import type { LogAmplitude } from "../amplitudes.js";
import { partsOf, type Ansatz, type EncoderShape } from "../ansatz.js";
import type { AnsatzParameters } from "../ansatz-parameters.js";
import type { ComplexNumbers } from "../complex.js";
import { positionWeights } from "../position-weights.js";
import { derivativesOf } from "./derivatives.js";
import { encoderOf } from "./encoder.js";
import { GROUP, LANES } from "./memory.js";

type Part = keyof ComplexNumbers;
const complexParts = ["re", "im"] as const satisfies readonly Part[];

/** Most images that are cut at once, beyond those of one row. */
const MOST_IMAGES = 4096;

/** A wave function with its parameters in float32. */
export interface SingleWaveFunction {
  /** log ψ [rows] of spins ±1 [rows, sites]. */
  readonly amplitudes: LogAmplitude;
  /** Writes ∂ log ψ / ∂θ [rows, P] to `into`, in the order of the parameters. */
  readonly derivatives: (spins: Int8Array, into: ComplexNumbers) => Promise<void>;
}

/**
 * Derivatives by the `learned` tensors of a layer, [rows, ·] for each of them, from those by what its kernel makes of
 * positions, `cotangents` [rows, heads, queries, keys]. Every row has its own copy of the tensors, as heads of its own.
 */
async function throughPositions(
  { kernel, heads, tokens, width }: EncoderShape,
  learned: NamedTensors,
  cotangents: Readonly<Record<Part, Float64Array>>,
): Promise<Readonly<Record<Part, readonly ArrayLike<number>[]>>> {
  const rows = cotangents.re.length / (heads * tokens * tokens);
  const sizes = { batch: 1, heads: rows * heads, queries: tokens, keys: tokens, dim: width / heads };
  const gradients = cpu.scope(() => {
    const copies = Object.values(learned).map((tensor) => {
      const { shape } = tensor;
      return reshape(expand(reshape(tensor, [1, ...shape]), [rows, ...shape]), [rows * shape[0], ...shape.slice(1)]);
    });
    const tape = new Tape(copies);
    const named = Object.fromEntries(Object.keys(learned).map((name, at) => [name, copies[at]]));
    const weights = recording(tape, () => positionWeights(kernel, named, sizes)!);
    const pull = (part: Part): Tensor[] => {
      const given = tape.pull(weights, cpu.adopt(cotangents[part], weights.shape, "f64"), add);
      return copies.map((copy) => given.get(copy) ?? cpu.full(0, copy.shape));
    };
    return { re: recording(keeping, () => pull("re")), im: pull("im") };
  });
  const read = (part: Part) => Promise.all(gradients[part].map((gradient) => gradient.read()));
  const numbers = { re: await read("re"), im: await read("im") };
  disposeTree(gradients);
  return numbers;
}

/**
 * log ψ of `ansatz` and its derivatives on the CPU in float32, 16 images side by side.
 *
 * For what `ansatz` made with softmax attention, with or without relative positions, or with a kernel whose weights
 * depend on positions alone. Undefined for others, for kernels with parameters that heads share, and without
 * WebAssembly and its SIMD.
 */
export function singlePrecision(
  ansatz: Ansatz,
): ((parameters: AnsatzParameters) => Promise<SingleWaveFunction>) | undefined {
  const parts = partsOf(ansatz);
  const { images, separable } = ansatz;
  const { sites } = ansatz.lattice;
  const start = parts && separable ? encoderOf(parts.encoder) : undefined;
  if (parts === undefined || start === undefined) return undefined;
  const { encoder: shape, cut, characters } = parts;
  const { heads, tokens } = shape;
  const pairs = heads * tokens * tokens;
  const padded = GROUP * Math.ceil(images / GROUP);

  return async (parameters) => {
    const encoder = await start(parameters);
    const derivatives = derivativesOf(shape, encoder);
    const { places } = encoder.loaded;
    const count = encoder.loaded.parameters;

    /** log ψ of the images, and of the rows, as `logProjection` adds them up. */
    function amplitudes(numbers: ArrayLike<number>, rows: number): readonly [ComplexNumbers, ComplexNumbers] {
      const size = rows * images;
      const found = { re: new Float64Array(size), im: new Float64Array(size) };
      encoder.enter();
      for (let image = 0; image < size; image += LANES) {
        encoder.encode(numbers, image);
        encoder.logCosh(found, image);
      }
      const whole = { re: new Float64Array(rows), im: new Float64Array(rows) };
      for (let row = 0; row < rows; row++) {
        const [start, end] = [row * images, (row + 1) * images];
        let most = found.re[start];
        for (let image = start; image < end; image++) most = Math.max(most, found.re[image]);
        let [x, y] = [0, 0];
        for (let image = start; image < end; image++) {
          const share = (characters[image - start] / images) * Math.exp(found.re[image] - most);
          x += share * Math.cos(found.im[image]);
          y += share * Math.sin(found.im[image]);
        }
        whole.re[row] = most + 0.5 * Math.log(x * x + y * y);
        whole.im[row] = Math.atan2(y, x);
      }
      return [found, whole];
    }

    /** w_g = χ(g) ψ(gσ) / Σ_g χ(g) ψ(gσ) of the images, filled up to `padded` a row with weights of 0. */
    function weighted(
      numbers: Int8Array,
      { re, im }: ComplexNumbers,
      whole: ComplexNumbers,
    ): readonly [ComplexNumbers, Int8Array] {
      const rows = re.length / images;
      const length = numbers.length / re.length;
      const weights = { re: new Float64Array(rows * padded), im: new Float64Array(rows * padded) };
      const filled = images === padded ? numbers : new Int8Array(rows * padded * length);
      for (let row = 0, image = 0; row < rows; row++)
        for (let g = 0, at = row * padded; g < images; g++, image++, at++) {
          const share = (characters[g] / images) * Math.exp(re[image] - whole.re[row]);
          const phase = im[image] - whole.im[row];
          weights.re[at] = share * Math.cos(phase);
          weights.im[at] = share * Math.sin(phase);
          if (images < padded) filled.set(numbers.subarray(image * length, (image + 1) * length), at * length);
        }
      return [weights, filled];
    }

    const rowsOf = (spins: Int8Array): number => spins.length / sites;

    return {
      async amplitudes(spins) {
        const all = { re: new Float64Array(rowsOf(spins)), im: new Float64Array(rowsOf(spins)) };
        const step = Math.max(1, Math.floor(MOST_IMAGES / images)) * sites;
        for (let start = 0; start < spins.length; start += step) {
          const part = spins.subarray(start, start + step);
          const [, { re, im }] = amplitudes(cut(part), rowsOf(part));
          all.re.set(re, start / sites);
          all.im.set(im, start / sites);
        }
        return all;
      },
      async derivatives(spins, into) {
        const rows = rowsOf(spins);
        const tokenNumbers = cut(spins);
        const [found, whole] = amplitudes(tokenNumbers, rows);
        const [weights, paddedNumbers] = weighted(tokenNumbers, found, whole);
        const rest = parameters.layers.length * pairs;
        const positions = { re: new Float64Array(rows * rest), im: new Float64Array(rows * rest) };
        derivatives(paddedNumbers, weights, padded, { parameters: into, positions });
        for (const [layer, { learned }] of parameters.layers.entries()) {
          const tensors = Object.values(learned);
          if (tensors.length === 0) continue;
          const cotangents = { re: new Float64Array(rows * pairs), im: new Float64Array(rows * pairs) };
          for (const part of complexParts)
            for (let row = 0; row < rows; row++) {
              const from = row * rest + layer * pairs;
              cotangents[part].set(positions[part].subarray(from, from + pairs), row * pairs);
            }
          const gradients = await throughPositions(shape, learned, cotangents);
          for (const [at, tensor] of tensors.entries())
            for (const part of complexParts)
              for (let row = 0, place = places.get(tensor)!; row < rows; row++, place += count)
                for (let i = 0, from = row * tensor.size; i < tensor.size; i++)
                  into[part][place + i] = gradients[part][at][from + i];
        }
      },
    };
  };
}

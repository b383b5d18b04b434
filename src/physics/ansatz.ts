import { add, gelu, layerNorm, matmul, permute, reshape, sum } from "../autograd/ops.js";
import { ArgumentError, ShapeError, UnsupportedError } from "../core/errors.js";
import { having, whole } from "../core/kinds.js";
import { checkOptions, needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import { formatShape, type Shape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { attentionKernel } from "../kernels/options.js";
import { EXPANSION, initialParameters, type AnsatzLayer, type AnsatzParameters } from "./ansatz-parameters.js";
import { latticeKind, patches, type Lattice } from "./lattice.js";
import { logCosh, logProjection, type LogAmplitudes } from "./logarithms.js";
import { spinFlip, type Representation, type Symmetry } from "./symmetry.js";
import { linear } from "../nn/linear.js";
import * as sizes from "../nn/sizes.js";

/** Options of `ansatz`. */
export interface AnsatzOptions {
  readonly lattice: Lattice;
  /** Any kernel, unless it takes tensors that no layer owns. */
  readonly kernel: AttentionKernel;
  /** b: a patch has b sites of a chain, or b × b of a square. Default 2. */
  readonly patch?: number;
  /** d, the width of the tokens. */
  readonly width: number;
  /** The width of the feed-forward layers. Default 4 d. */
  readonly hidden?: number;
  readonly heads: number;
  readonly layers: number;
  /** Projects ψ on a representation, ψ_χ(σ) = 1/|G| Σ_g χ(g) ψ(gσ). Default: no projection. */
  readonly projection?: Representation;
}

const ansatzOptions: Kinds<AnsatzOptions> = {
  lattice: needed(latticeKind),
  kernel: needed(attentionKernel),
  patch: whole(1),
  width: needed(sizes.width),
  hidden: whole(1),
  heads: needed(sizes.heads),
  layers: needed(sizes.layers),
  projection: having<Representation>("a representation", ["elements", "characters"]),
};

/** A transformer as the logarithm of a wave function, as `ansatz` returns it. */
export interface Ansatz {
  readonly lattice: Lattice;
  readonly heads: number;
  /** The number of images of a configuration in log ψ: the elements of the projection. */
  readonly images: number;
  /**
   * Whether every kernel parameter belongs to a single head. Rows with their own copies of the parameters can then be
   * treated as heads.
   */
  readonly separable: boolean;
  initialize(backend: Backend, random: Random): AnsatzParameters;
  /** Cuts spins ±1 [rows, sites] and their images into patches, [rows, images · patches, sites of a patch]. */
  tokens(backend: Backend, spins: Int8Array): Tensor;
  /**
   * log ψ [rows] of tokens. With `replicated` the parameters have one copy per row, so that every row gets its own
   * gradient.
   */
  apply(parameters: AnsatzParameters, tokens: Tensor, replicated?: boolean): LogAmplitudes;
  /**
   * The attention weights of every layer for spins ±1 [rows, sites], without their images: [rows, heads, patches,
   * patches].
   */
  weights(parameters: AnsatzParameters, spins: Int8Array): Tensor[];
}

export const ansatzKind = having<Ansatz>("a wave function, as ansatz() makes it", ["apply", "tokens", "lattice"]);
export const ansatzParameters = having<AnsatzParameters>("parameters, as the ansatz's initialize() gives", [
  "embedding",
  "layers",
]);

/** What an encoder is made of. */
export interface EncoderShape {
  readonly kernel: AttentionKernel;
  readonly heads: number;
  /** Tokens of an image. */
  readonly tokens: number;
  /** Spins of a token. */
  readonly area: number;
  readonly width: number;
}

/** The two parts in which log ψ is computed, and the encoder of the first. */
interface AnsatzParts {
  readonly encoder: EncoderShape;
  /** The spins of the images, patch by patch, [rows, images, sites]. */
  readonly cut: (spins: Int8Array) => Int8Array;
  /** Of the projection, by image. */
  readonly characters: readonly number[];
  /** log ψ of the images, [rows, images]. */
  readonly images: (parameters: AnsatzParameters, tokens: Tensor) => LogAmplitudes;
  /** log ψ [rows], from that of the images. */
  readonly total: (images: LogAmplitudes) => LogAmplitudes;
}

const parts = new WeakMap<Ansatz, AnsatzParts>();

/** The parts of a wave function that `ansatz` made; undefined for any other object, whose `apply` may differ. */
export const partsOf = (model: Ansatz): AnsatzParts | undefined => parts.get(model);

/** Unit vectors as values [rows, heads, n, n]: the output of attention is then its weights. */
export function unitValues(backend: Backend, [rows, heads, n]: readonly [number, number, number]): Tensor {
  const units = Float32Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  return add(backend.tensor(units, [1, 1, n, n]), backend.full(0, [rows, heads, n, n]));
}

/**
 * A transformer as the logarithm of a wave function.
 *
 * Patches of spins embedded in width d; pre-norm blocks x += attention(norm x), x += W₂ gelu(W₁ norm x) with any
 * attention kernel; z = norm(Σ_i x_i), out = norm(W z) + i norm(W' z), log ψ = Σ_a log cosh out_a. There is no
 * positional embedding. If the kernel depends on positions only through displacements, ψ is invariant under
 * translations by whole patches. Source: Rende & Viteritti, arXiv 2405.18874. Throws an `UnsupportedError` for a kernel
 * with a tensor that no layer owns.
 *
 * @example
 * const model = ansatz({ lattice: square(4), kernel: factored({ periodic: [2, 2] }), width: 16, heads: 4, layers: 2 });
 * const parameters = model.initialize(gpu, random(1));
 * const { re, im } = model.apply(parameters, model.tokens(gpu, spins)); // log ψ [rows] of spins ±1 [rows, 16]
 */
export function ansatz(options: AnsatzOptions): Ansatz {
  const {
    lattice,
    kernel,
    patch = 2,
    width,
    hidden = EXPANSION * width,
    heads,
    layers,
    projection,
  } = checkOptions("ansatz", options, ansatzOptions);
  if (width % heads !== 0) {
    throw new ArgumentError({
      where: "ansatz",
      argument: "heads",
      wanted: `a divisor of the width ${width}`,
      got: String(heads),
    });
  }
  const foreign = kernel.inputs?.find(({ fixed }) => fixed);
  if (foreign !== undefined) {
    throw new UnsupportedError({
      where: "ansatz",
      argument: "kernel",
      wanted: "a kernel whose tensors a layer owns",
      got: `${kernel.name}, which is given its ${foreign.name}`,
    });
  }
  const foreignElement = projection?.elements.find(({ sites }) => sites.length !== lattice.sites);
  if (foreignElement !== undefined) {
    throw new ArgumentError({
      where: "ansatz",
      argument: "projection",
      wanted: `symmetries of ${lattice.sites} sites`,
      got: `one of ${foreignElement.sites.length}`,
    });
  }
  const cut = patches(lattice, patch);
  const [count, area, dim] = [cut.sites.length, cut.sites[0].length, width / heads];
  const order = cut.sites.flat();
  const sizes = { batch: 1, heads, queries: count, keys: count, dim };
  const separable = (kernel.inputs ?? []).every(
    ({ shape }) => shape({ ...sizes, heads: 2 * heads })[0] === 2 * shape(sizes)[0],
  );

  /**
   * Splits [rows, images · patches, width] into heads. Rows with their own copies of the kernel's parameters become
   * heads.
   */
  const split = (x: Tensor, replicated: boolean): Tensor => {
    const [rows] = x.shape;
    const apart = reshape(x, [rows, -1, count, heads, dim]);
    if (replicated) return reshape(permute(apart, [1, 0, 3, 2, 4]), [-1, rows * heads, count, dim]);
    return reshape(permute(apart, [0, 1, 3, 2, 4]), [-1, heads, count, dim]);
  };

  /** The inverse of `split`. */
  const join = (x: Tensor, [rows, tokens]: Shape, replicated: boolean): Tensor => {
    const apart = replicated
      ? permute(reshape(x, [-1, rows, heads, count, dim]), [1, 0, 3, 2, 4])
      : permute(x, [0, 2, 1, 3]);
    return reshape(apart, [rows, tokens, width]);
  };

  function queriesAndKeys(
    { query, key }: AnsatzLayer,
    x: Tensor,
    v: Tensor,
    replicated: boolean,
  ): { q: Tensor; k: Tensor } {
    if (query === undefined) return { q: v, k: v };
    const q = split(matmul(x, query), replicated);
    return { q, k: key === undefined ? q : split(matmul(x, key), replicated) };
  }

  /**
   * The residual stream after the last layer. `see` is called with each layer and the normalised tokens that its
   * attention reads.
   */
  function encode(
    parameters: AnsatzParameters,
    tokens: Tensor,
    replicated: boolean,
    see?: (layer: AnsatzLayer, x: Tensor) => void,
  ): Tensor {
    let x = linear(tokens, parameters.embedding);
    for (const layer of parameters.layers) {
      const seen = layerNorm(x, layer.attentionNorm);
      see?.(layer, seen);
      const v = split(linear(seen, layer.value), replicated);
      const mixed = attention(kernel, { ...layer.learned, ...queriesAndKeys(layer, seen, v, replicated), v });
      x = add(x, linear(join(mixed, x.shape, replicated), layer.output));
      x = add(x, linear(gelu(linear(layerNorm(x, layer.feedForwardNorm), layer.expand)), layer.contract));
    }
    return x;
  }

  function rowsOf(spins: Int8Array): number {
    if (spins.length > 0 && spins.length % lattice.sites === 0) return spins.length / lattice.sites;
    throw new ShapeError({
      where: "ansatz",
      argument: "spins",
      wanted: `rows of ${lattice.sites} spins`,
      got: formatShape([spins.length]),
    });
  }

  /** The images of rows of spins under these elements, patch by patch, [rows, images, sites]. */
  function cutter(elements: readonly Symmetry[]): (spins: Int8Array) => Int8Array {
    const from = elements.map(({ sites }) => order.map((site) => sites[site]));
    return (spins) => {
      rowsOf(spins);
      const cut = new Int8Array(spins.length * elements.length);
      for (let row = 0, at = 0; row < spins.length; row += lattice.sites)
        for (let image = 0; image < elements.length; image++) {
          const sign = elements[image].flip ? -1 : 1;
          for (const site of from[image]) cut[at++] = sign * spins[row + site];
        }
      return cut;
    };
  }
  const [itself] = spinFlip(lattice);
  const cutAlone = cutter([itself]);
  const cutImages = cutter(projection?.elements ?? [itself]);

  function images(parameters: AnsatzParameters, tokens: Tensor, replicated = false): LogAmplitudes {
    const [rows] = tokens.shape;
    const summed = sum(reshape(encode(parameters, tokens, replicated), [rows, -1, count, width]), 2);
    const z = layerNorm(summed, parameters.norm);
    const { re, im } = logCosh(
      layerNorm(linear(z, parameters.real), parameters.realNorm),
      layerNorm(linear(z, parameters.imaginary), parameters.imaginaryNorm),
    );
    return { re: sum(re, 2), im: sum(im, 2) };
  }

  function total({ re, im }: LogAmplitudes): LogAmplitudes {
    const [rows] = re.shape;
    if (projection === undefined) return { re: reshape(re, [rows]), im: reshape(im, [rows]) };
    return logProjection({ re, im }, projection.characters);
  }

  const model: Ansatz = {
    lattice,
    heads,
    images: projection?.elements.length ?? 1,
    separable,
    initialize: (backend, random) => initialParameters(kernel, { area, width, hidden, layers, sizes }, backend, random),
    tokens: (backend, spins) =>
      backend.tensor(new Float32Array(cutImages(spins)), [rowsOf(spins), count * model.images, area]),
    apply: (parameters, tokens, replicated) => total(images(parameters, tokens, replicated)),
    weights(parameters, spins) {
      const { backend } = parameters.embedding.weight;
      const rows = rowsOf(spins);
      const all: Tensor[] = [];
      encode(parameters, backend.tensor(new Float32Array(cutAlone(spins)), [rows, count, area]), false, (layer, x) => {
        const v = unitValues(backend, [rows, heads, count]);
        const { q, k } =
          layer.query === undefined ? { q: split(x, false), k: split(x, false) } : queriesAndKeys(layer, x, v, false);
        all.push(attention(kernel, { ...layer.learned, q, k, v }));
      });
      return all;
    },
  };
  parts.set(model, {
    encoder: { kernel, heads, tokens: count, area, width },
    cut: cutImages,
    characters: projection?.characters ?? [1],
    images,
    total,
  });
  return model;
}

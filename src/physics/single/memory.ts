import { tensorsIn, type Tensor } from "../../core/tensor.js";
import type { HeadSizes } from "../../kernels/kernel.js";
import type { LinearParameters, NormParameters } from "../../nn/linear.js";
import type { EncoderShape } from "../ansatz.js";
import type { AnsatzLayer, AnsatzParameters } from "../ansatz-parameters.js";
import { byKey, isScaledSoftmax, positionNumbers, transposed } from "../position-weights.js";

/** Images that are computed at once, one a lane. */
export const LANES = 16;
/** Images of a row whose derivatives are added up in the memory: the float32 numbers of 16 bytes. */
export const GROUP = 4;
/** Bytes of a number, and of a row of lanes. */
export const NUMBER = 4;
export const ROW = NUMBER * LANES;

/** A matrix [inner, outer], its transpose and a bias: addresses, and the places of their derivatives. */
export interface Affine {
  readonly weight: number;
  readonly transposed: number;
  readonly bias: number;
  readonly inner: number;
  readonly outer: number;
  readonly weightPlace: number;
  /** Undefined if there is no bias. */
  readonly biasPlace: number | undefined;
}

/** A scale and a shift: addresses, and the places of their derivatives. */
export interface Norm {
  readonly scale: number;
  readonly shift: number;
  readonly scalePlace: number;
  readonly shiftPlace: number;
}

/** What attention adds up: weights of positions, or the softmax of scaled products with a bias of positions. */
export type Attending =
  /** Addresses of weights [heads, keys, queries] and of the same as [heads, queries, keys]. */
  | { readonly of: "positions"; readonly weights: number; readonly transposed: number }
  | { readonly of: "scores"; readonly scale: number; readonly bias: number };

/** A layer in memory. */
export interface LoadedLayer {
  readonly attentionNorm: Norm;
  readonly query: Affine | undefined;
  readonly key: Affine | undefined;
  readonly value: Affine;
  readonly attending: Attending;
  /** The place of the derivatives by weights or biases of positions, [heads, queries, keys]. */
  readonly positionsPlace: number;
  readonly output: Affine;
  readonly feedForwardNorm: Norm;
  readonly expand: Affine;
  readonly contract: Affine;
}

/** Parameters in memory. */
export interface Loaded {
  readonly embedding: Affine;
  readonly layers: readonly LoadedLayer[];
  /** The largest width of a feed-forward layer. */
  readonly hidden: number;
  readonly norm: Norm;
  /** Of the real and the imaginary part. */
  readonly parts: readonly { readonly affine: Affine; readonly norm: Norm }[];
  /** The address of zeros, and of a row of ones. */
  readonly zeros: number;
  readonly ones: number;
  /** Reserves room for so many numbers, and returns its address. */
  readonly take: (count: number) => number;
  /** Bytes that are reserved. */
  readonly end: () => number;
  readonly fill: (numbers: Float32Array) => void;
  /** Where the derivatives by a parameter begin among those by all. */
  readonly places: ReadonlyMap<Tensor, number>;
  /** The number of parameters. */
  readonly parameters: number;
  /** The number of derivatives: by the parameters, and by what each layer's kernel makes of positions. */
  readonly length: number;
}

/** Plans where the numbers of `parameters` go in a memory, from its start on. */
export async function load(
  { kernel, heads, tokens, width }: EncoderShape,
  parameters: AnsatzParameters,
): Promise<Loaded> {
  const sizes: HeadSizes = { batch: 1, heads, queries: tokens, keys: tokens, dim: width / heads };
  const pairs = tokens * tokens;
  const places = new Map<Tensor, number>();
  let length = 0;
  for (const tensor of tensorsIn(parameters)) {
    places.set(tensor, length);
    length += tensor.size;
  }
  let end = 0;
  const loads: { readonly at: number; readonly numbers: ArrayLike<number> }[] = [];
  /** Rows begin at multiples of 16 bytes. */
  const take = (count: number): number => {
    const at = end;
    end += NUMBER * GROUP * Math.ceil(count / GROUP);
    return at;
  };
  const put = (numbers: ArrayLike<number>): number => {
    const at = take(numbers.length);
    loads.push({ at, numbers });
    return at;
  };
  const hidden = Math.max(0, ...parameters.layers.map(({ expand }) => expand.bias.size));
  const zeros = put(new Float64Array(Math.max(width, tokens, hidden)));
  const ones = put(new Float64Array(LANES).fill(1));
  const affine = async (weight: Tensor, bias?: Tensor): Promise<Affine> => {
    const [inner, outer] = weight.shape;
    const numbers = await weight.read();
    return {
      weight: put(numbers),
      transposed: put(transposed(numbers, inner, outer)),
      bias: bias === undefined ? zeros : put(await bias.read()),
      inner,
      outer,
      weightPlace: places.get(weight)!,
      biasPlace: bias && places.get(bias)!,
    };
  };
  const linear = ({ weight, bias }: LinearParameters): Promise<Affine> => affine(weight, bias);
  const norm = async ({ scale, shift }: NormParameters): Promise<Norm> => ({
    scale: put(await scale.read()),
    shift: put(await shift.read()),
    scalePlace: places.get(scale)!,
    shiftPlace: places.get(shift)!,
  });
  function attendingOf({ learned }: AnsatzLayer): Attending {
    const numbers = positionNumbers(kernel, learned, sizes);
    if (isScaledSoftmax(kernel))
      return { of: "scores", scale: kernel.parameters[0].initial(sizes), bias: put(numbers) };
    return { of: "positions", weights: put(byKey(numbers, tokens)), transposed: put(numbers) };
  }
  const layers: LoadedLayer[] = [];
  for (const [at, layer] of parameters.layers.entries())
    layers.push({
      attentionNorm: await norm(layer.attentionNorm),
      query: layer.query && (await affine(layer.query)),
      key: layer.key && (await affine(layer.key)),
      value: await linear(layer.value),
      attending: attendingOf(layer),
      positionsPlace: length + at * heads * pairs,
      output: await linear(layer.output),
      feedForwardNorm: await norm(layer.feedForwardNorm),
      expand: await linear(layer.expand),
      contract: await linear(layer.contract),
    });
  return {
    embedding: await linear(parameters.embedding),
    layers,
    hidden,
    norm: await norm(parameters.norm),
    parts: [
      { affine: await linear(parameters.real), norm: await norm(parameters.realNorm) },
      { affine: await linear(parameters.imaginary), norm: await norm(parameters.imaginaryNorm) },
    ],
    zeros,
    ones,
    take,
    end: () => end,
    fill: (numbers) => loads.forEach(({ at, numbers: loaded }) => numbers.set(loaded, at / NUMBER)),
    places,
    parameters: length,
    length: length + layers.length * heads * pairs,
  };
}

import type { Random } from "../core/random.js";
import type { Backend, Tensor } from "../core/tensor.js";
import type { AttentionKernel, HeadSizes } from "../kernels/kernel.js";
import { initialLinear, initialNorm, type LinearParameters, type NormParameters } from "../nn/linear.js";
import { normal } from "../nn/initialize.js";
import type { NamedTensors } from "../nn/split.js";

/** Parameters of a layer of a wave function. */
export type AnsatzLayer = {
  readonly attentionNorm: NormParameters;
  /** A projection without bias, for kernels that use queries and keys. */
  readonly query?: Tensor;
  readonly key?: Tensor;
  readonly value: LinearParameters;
  readonly output: LinearParameters;
  /** The kernel's own parameters. */
  readonly learned: NamedTensors;
  readonly feedForwardNorm: NormParameters;
  readonly expand: LinearParameters;
  readonly contract: LinearParameters;
};

/** Parameters of a wave function. */
export type AnsatzParameters = {
  readonly embedding: LinearParameters;
  readonly layers: readonly AnsatzLayer[];
  readonly norm: NormParameters;
  readonly real: LinearParameters;
  readonly realNorm: NormParameters;
  readonly imaginary: LinearParameters;
  readonly imaginaryNorm: NormParameters;
};

/** The width of the feed-forward layers divided by d, by default. */
export const EXPANSION = 4;

/** The sizes that decide the shapes of the parameters. */
interface ParameterSizes {
  /** Sites of a patch. */
  readonly area: number;
  readonly width: number;
  /** The width of the feed-forward layers. */
  readonly hidden: number;
  readonly layers: number;
  readonly sizes: HeadSizes;
}

/** Parameters at the start: weights N(0, 1/rows), norms 1 and 0, biases 0, and the kernel's own initial numbers. */
export function initialParameters(
  kernel: AttentionKernel,
  { area, width, hidden, layers, sizes }: ParameterSizes,
  backend: Backend,
  random: Random,
): AnsatzParameters {
  const { projections = "separate" } = kernel;
  const matrix = (rows: number, columns: number): Tensor =>
    normal(backend, random, [rows, columns], 1 / Math.sqrt(rows));
  const dense = (rows: number, columns: number): LinearParameters => initialLinear(backend, random, rows, columns);
  const norm = (): NormParameters => initialNorm(backend, width);
  const learned = (): NamedTensors =>
    Object.fromEntries(
      (kernel.inputs ?? []).map(({ name, shape, initial }) => {
        const own = shape(sizes);
        return [name, initial === undefined ? backend.full(0, own) : backend.tensor(initial(own, random), own)];
      }),
    );
  return {
    embedding: dense(area, width),
    layers: Array.from({ length: layers }, () => ({
      attentionNorm: norm(),
      ...(projections === "values" ? {} : { query: matrix(width, width) }),
      ...(projections === "separate" ? { key: matrix(width, width) } : {}),
      value: dense(width, width),
      output: dense(width, width),
      learned: learned(),
      feedForwardNorm: norm(),
      expand: dense(width, hidden),
      contract: dense(hidden, width),
    })),
    norm: norm(),
    real: dense(width, width),
    realNorm: norm(),
    imaginary: dense(width, width),
    imaginaryNorm: norm(),
  };
}

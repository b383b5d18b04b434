import { matmul, reshape, sum } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { backend as backendKind, finite, generator, record, tensor, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import { formatShape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { attentionKernel } from "../kernels/options.js";
import { normal } from "./initialize.js";
import * as sizes from "./sizes.js";

/** Options of `singleLayer`. */
export interface SingleLayerOptions {
  readonly kernel: AttentionKernel;
  readonly heads: number;
  /** D, the width of the inputs. */
  readonly width: number;
  /** d_k, the width of queries and keys. Default D. */
  readonly keyWidth?: number;
  /** d_v, the width of values. Default D. */
  readonly valueWidth?: number;
  /** d_o, the width of the outputs. */
  readonly outputWidth: number;
}

const singleLayerOptions: Kinds<SingleLayerOptions> = {
  kernel: needed(attentionKernel),
  heads: needed(sizes.heads),
  width: needed(sizes.width),
  keyWidth: whole(1),
  valueWidth: whole(1),
  outputWidth: needed(whole(1)),
};

/** query, key [H, D, d_k], value [H, D, d_v], output [H, d_v, d_o]. */
export type SingleLayerParameters = {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly output: Tensor;
};

/** Standard deviations of the initial weights, times 1/√(rows of the matrix). Default 1 each. */
export type SingleLayerScales = Partial<Record<keyof SingleLayerParameters, number>>;

/** The single-layer model of the theory, as `singleLayer` returns it. */
export interface SingleLayer {
  initialize(backend: Backend, random: Random, scales?: SingleLayerScales): SingleLayerParameters;
  /** inputs [N, n, D] gives [N, n, d_o]. */
  apply(parameters: SingleLayerParameters, inputs: Tensor): Tensor;
}

/**
 * The model of the convergence theory: Ŷ_i = Σ_h S_ih X_i W^V_h W^O_h, where S_ih is the kernel matrix of X_i W^Q_h
 * and X_i W^K_h.
 *
 * Source: Song, Han, Zhang, Ding & Hong, arXiv 2411.07538.
 *
 * @example
 * const layer = singleLayer({ kernel: gaussian(), heads: 4, width: 8, outputWidth: 2 });
 * const outputs = layer.apply(layer.initialize(cpu, random(1)), inputs); // [N, n, 8] gives [N, n, 2]
 */
export function singleLayer(options: SingleLayerOptions): SingleLayer {
  const {
    kernel,
    heads,
    width,
    keyWidth = width,
    valueWidth = width,
    outputWidth,
  } = checkOptions("singleLayer", options, singleLayerOptions);
  return {
    initialize(backend, random, scales = {}) {
      checkArguments("singleLayer.initialize", { backend, random }, { backend: backendKind, random: generator });
      const kinds = { query: finite, key: finite, value: finite, output: finite };
      const {
        query = 1,
        key = 1,
        value = 1,
        output = 1,
      } = checkOptions("singleLayer.initialize", scales, kinds, "scales");
      const matrices = (rows: number, columns: number, scale: number): Tensor =>
        normal(backend, random, [heads, rows, columns], scale / Math.sqrt(rows));
      return {
        query: matrices(width, keyWidth, query),
        key: matrices(width, keyWidth, key),
        value: matrices(width, valueWidth, value),
        output: matrices(valueWidth, outputWidth, output),
      };
    },
    apply(parameters, inputs) {
      checkArguments("singleLayer.apply", { parameters, inputs }, { parameters: record, inputs: tensor });
      const { query, key, value, output } = parameters;
      const [samples, tokens] = inputs.shape;
      if (inputs.shape.length !== 3 || inputs.shape[2] !== width) {
        throw new ShapeError({
          where: "singleLayer",
          argument: "inputs",
          wanted: `[N, n, ${width}]`,
          got: formatShape(inputs.shape),
        });
      }
      const x = reshape(inputs, [samples, 1, tokens, width]);
      const mixed = attention(kernel, { q: matmul(x, query), k: matmul(x, key), v: matmul(x, value) });
      return sum(matmul(mixed, output), 1);
    },
  };
}

import { matmul, permute, reshape } from "../autograd/ops.js";
import { ArgumentError } from "../core/errors.js";
import type { Random } from "../core/random.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { normal } from "./initialize.js";

export interface MultiHeadOptions {
  readonly kernel: AttentionKernel;
  readonly width: number;
  readonly heads: number;
}

/** Projections [width, width]; head h owns columns h·width/heads to (h+1)·width/heads. */
export type MultiHeadParameters = {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
  readonly output: Tensor;
};

export interface MultiHead {
  initialize(backend: Backend, random: Random): MultiHeadParameters;
  /** x [batch, n, width], context [batch, m, width] (x itself by default) gives [batch, n, width]. */
  apply(parameters: MultiHeadParameters, x: Tensor, context?: Tensor): Tensor;
}

/** Multi-head attention with any kernel: concat_h(attention(x W^Q_h, c W^K_h, c W^V_h)) W^O (Vaswani et al., arXiv 1706.03762). */
export function multiHead({ kernel, width, heads }: MultiHeadOptions): MultiHead {
  if (width % heads !== 0) {
    throw new ArgumentError({ where: "multiHead", argument: "heads", wanted: `a divisor of the width ${width}`, got: String(heads) });
  }
  const splitHeads = (x: Tensor): Tensor =>
    permute(reshape(x, [x.shape[0], x.shape[1], heads, width / heads]), [0, 2, 1, 3]);
  return {
    initialize(backend, random) {
      const matrix = (): Tensor => normal(backend, random, [width, width], 1 / Math.sqrt(width));
      return { query: matrix(), key: matrix(), value: matrix(), output: matrix() };
    },
    apply({ query, key, value, output }, x, context = x) {
      const mixed = attention(kernel, {
        q: splitHeads(matmul(x, query)),
        k: splitHeads(matmul(context, key)),
        v: splitHeads(matmul(context, value)),
      });
      return matmul(reshape(permute(mixed, [0, 2, 1, 3]), x.shape), output);
    },
  };
}

import { expand } from "../autograd/broadcast.js";
import { concat, slice } from "../autograd/parts.js";
import type { Tensor } from "../core/tensor.js";
import { normalNumbers } from "./initial.js";
import type { TiledKernel } from "./kernel.js";
import { repeatHeads } from "./mahalanobis.js";
import { checkPositive } from "./options.js";
import { softmax, type SoftmaxOptions } from "./softmax.js";

/** Each token's own numbers, and behind them those of its position: [batch, heads, rows, 2d]. */
function withPositions(x: Tensor, positions: Tensor): Tensor {
  return concat([x, expand(positions, x.shape)], -1);
}

/**
 * Decoupled attention: s = scale·(q·k + p·r), a term of the content and a term of the positions alone, weights e^s divided by their row sum.
 *
 * Takes and learns `queryPositions` p [heads, n, d] and `keyPositions` r [heads, m, d], already projected; `scale` defaults to 1/√(2d), as two
 * products of width d are summed. Content and positions do not mix. Source: the untied form of Ke, He & Liu, Rethinking Positional Encoding
 * in Language Pre-training, arXiv 2006.15595.
 */
export function decoupled({ scale }: SoftmaxOptions = {}): TiledKernel {
  checkPositive("decoupled", "scale", scale);
  return {
    ...softmax(),
    name: "decoupled",
    parameters: [{ name: "scale", initial: ({ dim }) => scale ?? 1 / Math.sqrt(2 * dim) }],
    inputs: [
      {
        name: "queryPositions",
        shape: ({ heads, queries, dim }) => [heads, queries, dim],
        forQueries: (positions, first, count) => slice(positions, 1, first, count),
        initial: normalNumbers(1),
      },
      { name: "keyPositions", shape: ({ heads, keys, dim }) => [heads, keys, dim], initial: normalNumbers(1) },
    ],
    prepare: ({ q, k, v, queryPositions, keyPositions }) => ({
      q: withPositions(q, queryPositions),
      k: withPositions(repeatHeads(k, q.shape[1]), keyPositions),
      v: repeatHeads(v, q.shape[1]),
    }),
  };
}

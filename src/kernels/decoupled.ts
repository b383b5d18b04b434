import { expand, reshape } from "../autograd/broadcast.js";
import { multiply } from "../autograd/arithmetic.js";
import { matmul } from "../autograd/matmul.js";
import { concat, slice } from "../autograd/slices.js";
import { checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { normalNumbers } from "./initial.js";
import type { AttentionInputs, KernelSurroundings, TiledKernel } from "./kernel.js";
import { repeatHeads } from "./heads.js";
import { softmax, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/** Concatenates each token's content and position vectors: [batch, heads, rows, 2d]. */
function withPositions(x: Tensor, positions: Tensor): Tensor {
  return concat([x, expand(positions, x.shape)], -1);
}

/**
 * Whether the position term is computed once, as a bias. This takes memory for every pair, and a softcap would not
 * apply to it.
 */
function isBias({ softcap, affordsBias }: KernelSurroundings): boolean {
  return softcap === undefined && affordsBias;
}

/**
 * Decoupled attention: s = scale·(q·k + p·r), a term of the content and a term of the positions alone, weights e^s
 * divided by their row sum.
 *
 * Takes and learns `queryPositions` p [heads, n, d] and `keyPositions` r [heads, m, d], already projected; `scale`
 * defaults to 1/√(2d), as two products of width d are summed. Content and positions do not mix. Where a number for
 * every pair takes little memory (up to 8d keys, or 2^20 pairs) the positions' term is computed once for the whole
 * batch; beyond that, under a softcap and with lengths, within the passes. Source: the untied form of Ke, He & Liu,
 * Rethinking Positional Encoding in Language Pre-training, arXiv 2006.15595.
 */
export function decoupled(options: SoftmaxOptions = {}): TiledKernel {
  const { scale } = checkOptions("decoupled", options, softmaxOptions);
  const initial = ({ dim }: { readonly dim: number }): number => scale ?? 1 / Math.sqrt(2 * dim);
  return {
    ...softmax(),
    name: "decoupled",
    parameters: [{ name: "scale", initial }],
    inputs: [
      {
        name: "queryPositions",
        shape: ({ heads, queries, dim }) => [heads, queries, dim],
        forQueries: (positions, first, count) => slice(positions, 1, first, count),
        initial: normalNumbers(1),
      },
      { name: "keyPositions", shape: ({ heads, keys, dim }) => [heads, keys, dim], initial: normalNumbers(1) },
    ],
    prepare(inputs, surroundings) {
      const { q, k, v, queryPositions, keyPositions } = inputs;
      if (isBias(surroundings)) return { q, k, v };
      const heads = q.shape[1];
      return {
        q: withPositions(q, queryPositions),
        k: withPositions(repeatHeads(k, heads), keyPositions),
        v: repeatHeads(v, heads),
      };
    },
    bias(inputs, surroundings) {
      if (!isBias(surroundings)) return undefined;
      const {
        q,
        queryPositions,
        keyPositions,
        scale: learned,
      } = inputs as AttentionInputs & { readonly scale?: Tensor };
      const factor = learned === undefined ? initial({ dim: q.shape[3] }) : reshape(learned, [learned.size, 1, 1]);
      const scores = matmul(multiply(queryPositions, factor), keyPositions, { transposeB: true });
      return reshape(scores, [1, ...scores.shape]);
    },
  };
}

import { where } from "../autograd/arithmetic.js";
import { permute, reshape } from "../autograd/broadcast.js";
import { matmul } from "../autograd/matmul.js";
import { slice } from "../autograd/slices.js";
import { checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { finitePart, lostPart, poisoned } from "./hidden.js";
import { normalNumbers } from "./initial.js";
import type { AttentionInputs, ComposedKernel } from "./kernel.js";
import { repeatHeads } from "./heads.js";
import type { Mask } from "./mask.js";
import { densify } from "./resolve-mask.js";
import { extents } from "./options.js";
import { periodicLattice } from "./periodic.js";
import { printedKernel } from "./printing.js";

/** Options of `factored`. */
export interface FactoredOptions {
  /**
   * The extents of a periodic lattice of tokens, [length] or [rows, columns] in row-major order: weights then depend on
   * the displacement alone, which wraps around. Default: a weight of its own for every pair of positions.
   */
  readonly periodic?: readonly number[];
}

/** Values narrower than this would leave most of a product's tile empty. */
const NARROW = 32;

/** α V for every entry of the batch, with their columns side by side: one product for each head. */
function inOneProduct(weights: Tensor, v: Tensor): Tensor {
  const [batch, heads, keys, dim] = v.shape;
  const columns = reshape(permute(v, [1, 2, 0, 3]), [heads, keys, batch * dim]);
  const product = matmul(weights, columns);
  return permute(reshape(product, [heads, weights.shape[1], batch, dim]), [2, 0, 1, 3]);
}

/** Σ_j α_ij v_j with `every` α [heads, n, m]; a mask takes weights away. */
export function byPositions(every: Tensor, { q, v }: Pick<AttentionInputs, "q" | "v">, mask: Mask | undefined): Tensor {
  const [batch, heads, queries] = q.shape;
  const weights = reshape(every, [1, ...every.shape]);
  if (mask === undefined) {
    const values = repeatHeads(v, heads);
    return batch > 1 && v.shape[3] < NARROW ? inOneProduct(every, values) : matmul(weights, values);
  }
  const { seen, shape } = densify(mask, { batch, heads, queries, keys: v.shape[2] });
  const [sees, values] = [q.backend.tensor(seen, shape), repeatHeads(v, heads)];
  const lost = matmul(where(sees, q.backend.full(1, weights.shape), 0), lostPart(values));
  return poisoned(matmul(where(sees, weights, 0), finitePart(values)), lost);
}

/**
 * Factored attention: out_i = Σ_j α_ij v_j with learned weights that depend on positions alone; no softmax, and
 * queries and keys have no part in it.
 *
 * Takes and learns `positions`: [heads, n, m], or with `periodic` [heads, n], one weight for every displacement i - j
 * on the lattice. There is nothing to cache of the keys. A mask takes weights away; what is left is not rescaled.
 * Source: Rende & Viteritti, arXiv 2405.18874.
 */
export function factored(options: FactoredOptions = {}): ComposedKernel {
  const { periodic } = checkOptions("factored", options, { periodic: extents });
  const lattice = periodic && periodicLattice("factored", periodic);
  return {
    ...printedKernel,
    projections: "values",
    ofPositions: "weights",
    name: periodic === undefined ? "factored" : "factored (periodic)",
    inputs: [
      {
        name: "positions",
        forQueries: (positions, first, count) =>
          lattice === undefined ? slice(positions, 1, first, count) : positions,
        initial: (shape, random) => normalNumbers(1 / Math.sqrt(shape.at(-1)!))(shape, random),
        shape: (sizes) => (lattice === undefined ? [sizes.heads, sizes.queries, sizes.keys] : lattice.shape(sizes)),
      },
    ],
    options: ["mask"],
    compose: (inputs, { mask }) =>
      byPositions(lattice === undefined ? inputs.positions : lattice.dense(inputs.positions), inputs, mask),
  };
}

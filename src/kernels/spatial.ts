import { multiply } from "../autograd/arithmetic.js";
import { reshape } from "../autograd/broadcast.js";
import { softmax } from "../autograd/rows.js";
import { checkOptions } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { denseBias } from "./bias.js";
import { byPositions } from "./factored.js";
import { constantNumbers, normalNumbers } from "./initial.js";
import type { ComposedKernel } from "./kernel.js";
import { extents } from "./options.js";
import { periodicLattice } from "./periodic.js";
import { printedKernel } from "./printing.js";

/** Options of `spatial`. */
export interface SpatialOptions {
  /**
   * The extents of a periodic lattice of tokens, as `factored` has it. Distances are then the shortest around the
   * lattice. Default: tokens in a row, with the distance |i - j|.
   */
  readonly periodic?: readonly number[];
}

/** γ at the start of the source's optimisations. */
const DECAY = 3;

/**
 * Spatial attention: out_i = Σ_j w_ij v_j with w_ij = α_{i-j} e^(-γ d_ij) / Σ_l e^(-γ d_il), where d is the
 * distance between tokens. Queries and keys have no part in it.
 *
 * Takes and learns `positions` α, [heads, n + m - 1] with element k for i - j = k - (m - 1), or with `periodic`
 * [heads, n]. Takes and learns `decay` γ [heads] in units of one over the distance between neighbours; layers start it
 * at 3. A mask takes weights away; what is left is not rescaled. From the tensors of a few queries one cannot tell
 * their positions, so `keyValueCache` refuses this kernel without `periodic`. Source: arXiv 2602.02665; the distance
 * and the start of α are this library's.
 */
export function spatial(options: SpatialOptions = {}): ComposedKernel {
  const { periodic } = checkOptions("spatial", options, { periodic: extents });
  const lattice = periodic && periodicLattice("spatial", periodic);
  return {
    ...printedKernel,
    projections: "values",
    ofPositions: "weights",
    name: periodic === undefined ? "spatial" : "spatial (periodic)",
    inputs: [
      {
        name: "positions",
        shape: (sizes) =>
          lattice === undefined ? [sizes.heads, sizes.queries + sizes.keys - 1] : lattice.shape(sizes),
        ...(lattice === undefined ? {} : { forQueries: (whole: Tensor) => whole }),
        initial: normalNumbers(1),
      },
      { name: "decay", shape: ({ heads }) => [heads], initial: constantNumbers(DECAY) },
    ],
    options: ["mask"],
    compose(inputs, { mask }) {
      const { q, v, positions, decay } = inputs;
      const { backend } = q;
      const [heads, queries, keys] = [q.shape[1], q.shape[2], v.shape[2]];
      if (lattice !== undefined) {
        // every row has the same distances in another order, so one sum serves all
        const lengths = backend.tensor(
          lattice.distances.map((d) => -d),
          [1, keys],
        );
        const shares = softmax(multiply(reshape(decay, [heads, 1]), lengths));
        return byPositions(lattice.dense(multiply(positions, shares)), inputs, mask);
      }
      const lengths = Float64Array.from(
        { length: queries * keys },
        (_, pair) => -Math.abs(Math.floor(pair / keys) - (pair % keys)),
      );
      const shares = softmax(multiply(reshape(decay, [heads, 1, 1]), backend.tensor(lengths, [1, queries, keys])));
      const dense = reshape(denseBias({ relative: positions }, { batch: 1, heads, queries, keys }), shares.shape);
      return byPositions(multiply(dense, shares), inputs, mask);
    },
  };
}

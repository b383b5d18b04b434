import { reshape } from "../autograd/broadcast.js";
import { slice } from "../autograd/slices.js";
import { checkOptions } from "../core/options.js";
import { relativeBias } from "./bias.js";
import type { TiledKernel } from "./kernel.js";
import { extents } from "./options.js";
import { periodicLattice } from "./periodic.js";
import { softmax, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/** Options of `relativePosition`. */
export interface RelativePositionOptions extends SoftmaxOptions {
  /**
   * The extents of a periodic lattice of tokens, as `factored` has it: a number for each displacement, which wraps
   * around.
   */
  readonly periodic?: readonly number[];
}

/**
 * Softmax attention with a learned number for every distance: s = scale·(q·k) + p_{i-j}.
 *
 * Takes `positions` [heads, n + m - 1], element r for i - j = r - (m - 1), and learns it; the default `scale` is
 * 1/√d. Memory stays linear. With `periodic` positions are [heads, n], one number for every displacement i - j on the
 * lattice, and take n² numbers a head while in use. T5 (Raffel et al., arXiv 1910.10683) shares distances in buckets
 * and scales by 1; repeat elements for its buckets.
 */
export function relativePosition(options: RelativePositionOptions = {}): TiledKernel {
  const { periodic, scale } = checkOptions("relativePosition", options, { ...softmaxOptions, periodic: extents });
  const plain = softmax({ scale });
  if (periodic !== undefined) {
    const lattice = periodicLattice("relativePosition", periodic);
    return {
      ...plain,
      name: "relativePosition (periodic)",
      ofPositions: "bias",
      inputs: [{ name: "positions", shape: lattice.shape, forQueries: (positions) => positions }],
      bias({ positions }) {
        const dense = lattice.dense(positions);
        return reshape(dense, [1, ...dense.shape]);
      },
    };
  }
  return {
    ...plain,
    name: "relativePosition",
    ofPositions: "bias",
    inputs: [
      {
        name: "positions",
        shape: ({ heads, queries, keys }) => [heads, queries + keys - 1],
        forQueries: (positions, first, count) => slice(positions, 1, first, count + (positions.shape[1] - 1) / 2),
      },
    ],
    bias: ({ positions }) => relativeBias(positions),
  };
}

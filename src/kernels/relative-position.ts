import { slice } from "../autograd/parts.js";
import { relativeBias } from "./bias.js";
import type { TiledKernel } from "./kernel.js";
import { softmax, type SoftmaxOptions } from "./softmax.js";

/**
 * Softmax attention with a learned number for every distance: s = scale·(q·k) + p_{i-j}.
 *
 * Takes `positions` [heads, n + m - 1], element r for i - j = r - (m - 1), and learns it; the default `scale` is 1/√d. Memory stays linear.
 * T5 (Raffel et al., arXiv 1910.10683) shares distances in buckets and scales by 1; repeat elements for its buckets.
 */
export function relativePosition(options: SoftmaxOptions = {}): TiledKernel {
  return {
    ...softmax(options),
    name: "relativePosition",
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

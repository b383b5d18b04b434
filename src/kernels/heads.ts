import { expand, reshape } from "../autograd/broadcast.js";
import type { Tensor } from "../core/tensor.js";

/** [batch, kvHeads, rows, width] with every head repeated for the query heads that share it. */
export function repeatHeads(x: Tensor, heads: number): Tensor {
  const [batch, own, rows, width] = x.shape;
  const repeated = expand(reshape(x, [batch, own, 1, rows, width]), [batch, own, heads / own, rows, width]);
  return reshape(repeated, [batch, heads, rows, width]);
}

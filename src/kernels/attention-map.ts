import { expand, reshape } from "../autograd/broadcast.js";
import { cast } from "../autograd/cast.js";
import type { Tensor } from "../core/tensor.js";
import { tensor } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { attention } from "./attention.js";
import type { AttentionInputs, AttentionKernel, AttentionOptions, TiledKernel } from "./kernel.js";
import { attentionInputs, attentionKernel, attentionOptions } from "./options.js";

/** The output of attention for `scale` times unit vectors as values, [batch, heads, n, m]. */
export function unitResponse(
  kernel: AttentionKernel,
  inputs: AttentionInputs,
  options: AttentionOptions,
  scale = 1,
): Tensor {
  const { backend, dtype, shape } = inputs.v;
  const [batch, kvHeads, keys] = shape;
  const numbers = Float32Array.from({ length: keys * keys }, (_, at) => (at % (keys + 1) === 0 ? scale : 0));
  const units = reshape(backend.tensor(numbers), [1, 1, keys, keys]);
  const v = expand(dtype === "f16" ? cast(units, "f16") : units, [batch, kvHeads, keys, keys]);
  return attention(kernel, { ...inputs, v }, options);
}

/**
 * The attention weights w_ij / z_i of `kernel`, computed as the output for unit vectors as values.
 *
 * Shapes: `inputs` as in `attention`; of v only [batch, kvHeads, m] matters. Returns [batch, heads, n, m], so memory
 * grows with n·m.
 *
 * @example
 * const weights = attentionMap(softmax(), { q, k, v }, { mask: causal() });
 */
export function attentionMap(kernel: TiledKernel, inputs: AttentionInputs, options: AttentionOptions = {}): Tensor {
  checkArguments("attentionMap", { kernel, inputs }, { kernel: attentionKernel, inputs: attentionInputs });
  checkArguments("attentionMap", { v: inputs.v }, { v: tensor });
  checkOptions("attentionMap", options, attentionOptions);
  return unitResponse(kernel, inputs, options);
}

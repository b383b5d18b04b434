import { expand, reshape } from "../autograd/broadcast.js";
import type { Tensor } from "../core/tensor.js";
import { tensor } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { attention } from "./attention.js";
import type { AttentionInputs, AttentionOptions, TiledKernel } from "./kernel.js";
import { attentionInputs, attentionKernel, attentionOptions } from "./options.js";

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
  const [batch, kvHeads, keys] = inputs.v.shape;
  const units = Float32Array.from({ length: keys * keys }, (_, at) => (at % (keys + 1) === 0 ? 1 : 0));
  const v = expand(reshape(inputs.v.backend.tensor(units), [1, 1, keys, keys]), [batch, kvHeads, keys, keys]);
  return attention(kernel, { ...inputs, v }, options);
}

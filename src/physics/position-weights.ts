import { permute } from "../autograd/ops.js";
import type { Tensor } from "../core/tensor.js";
import { cpu } from "../cpu/cpu.js";
import { attention } from "../kernels/attention.js";
import { denseBias } from "../kernels/bias.js";
import type { AttentionInputs, AttentionKernel, HeadSizes, TiledKernel } from "../kernels/kernel.js";
import { scaledProduct } from "../kernels/softmax.js";
import type { NamedTensors } from "../nn/split.js";
import { unitValues } from "./ansatz.js";

/** Whether weights are the softmax of scale·(q·k), plus a bias that depends on positions alone if there is one. */
export const isScaledSoftmax = (kernel: AttentionKernel): kernel is TiledKernel =>
  !("compose" in kernel) &&
  kernel.normalizer === "softmax" &&
  kernel.projections !== "values" &&
  kernel.prepare === undefined &&
  kernel.formula.component === undefined &&
  kernel.formula.score === scaledProduct.score &&
  (kernel.bias === undefined ? kernel.inputs === undefined : kernel.ofPositions === "bias");

/**
 * What a kernel makes of positions alone, [1, heads, queries, keys]: the bias of its scores if it is a scaled softmax,
 * else its weights. Undefined for a softmax without bias.
 */
export function positionWeights(kernel: AttentionKernel, learned: NamedTensors, sizes: HeadSizes): Tensor | undefined {
  if (isScaledSoftmax(kernel)) {
    const bias = kernel.bias?.(learned as unknown as AttentionInputs, { affordsBias: true, isMasked: false });
    return bias && denseBias(bias, sizes);
  }
  const [{ backend }] = Object.values(learned);
  const v = unitValues(backend, [1, sizes.heads, sizes.keys]);
  return attention(kernel, { ...learned, q: v, k: v, v });
}

/** The numbers of `positionWeights`, by key and query if `byKey`; zeros for a softmax without bias. */
export async function positionNumbers(
  kernel: AttentionKernel,
  learned: NamedTensors,
  sizes: HeadSizes,
  byKey = false,
): Promise<ArrayLike<number>> {
  const weights = cpu.scope(() => {
    const given = positionWeights(kernel, learned, sizes);
    return given && byKey ? permute(given, [0, 1, 3, 2]) : given;
  });
  const numbers = await weights?.read();
  weights?.dispose();
  return numbers ?? new Float64Array(sizes.heads * sizes.queries * sizes.keys);
}

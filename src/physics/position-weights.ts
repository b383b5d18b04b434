import type { Tensor } from "../core/tensor.js";
import { numbersOf } from "../cpu/backend.js";
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

/** Whether lanes compute a kernel: they know `positionWeights`, queries, keys and values. */
export const runsOnLanes = (kernel: AttentionKernel): boolean =>
  kernel.ofPositions === "weights" || isScaledSoftmax(kernel);

/**
 * What a kernel makes of positions alone on the CPU, [1, heads, queries, keys]: the bias of its scores if it is a
 * scaled softmax, else its weights. Undefined for a softmax without bias.
 */
export function positionWeights(kernel: AttentionKernel, learned: NamedTensors, sizes: HeadSizes): Tensor | undefined {
  if (isScaledSoftmax(kernel)) {
    const bias = kernel.bias?.(learned as unknown as AttentionInputs, { affordsBias: true, isMasked: false });
    return bias && denseBias(bias, sizes);
  }
  const v = unitValues(cpu, [1, sizes.heads, sizes.keys]);
  return attention(kernel, { ...learned, q: v, k: v, v });
}

/** The numbers of `positionWeights`; zeros for a softmax without bias. */
export function positionNumbers(kernel: AttentionKernel, learned: NamedTensors, sizes: HeadSizes): Float64Array {
  // a bias may be a learned tensor itself, which is not to be disposed
  const numbers = cpu.scope(() => {
    const weights = positionWeights(kernel, learned, sizes);
    return weights && Float64Array.from(numbersOf(weights));
  });
  return numbers ?? new Float64Array(sizes.heads * sizes.queries * sizes.keys);
}

/** The transpose of a matrix [rows, columns]. */
export const transposed = (numbers: ArrayLike<number>, rows: number, columns: number): Float64Array =>
  Float64Array.from({ length: rows * columns }, (_, at) => numbers[(at % rows) * columns + Math.floor(at / rows)]);

/** Weights [heads, tokens, tokens] with keys before queries. */
export function byKey(weights: Float64Array, tokens: number): Float64Array {
  const turned = new Float64Array(weights.length);
  const size = tokens * tokens;
  for (let at = 0; at < weights.length; at += size)
    turned.set(transposed(weights.subarray(at, at + size), tokens, tokens), at);
  return turned;
}

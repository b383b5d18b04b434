import { attention, kernels, type AttentionInputs, type AttentionKernel, type KernelParameter } from "../../src/index.js";
import type { Case } from "./cases.js";
import { unfusedAttention } from "./unfused.js";

export interface Extents {
  readonly batch: number;
  readonly heads: number;
  readonly n: number;
  readonly m: number;
  readonly d: number;
  readonly dv: number;
}

/** The parameters that a kernel can learn. */
export function learnedBy(kernel: AttentionKernel): readonly KernelParameter[] {
  return "parameters" in kernel ? kernel.parameters.filter(({ fixed }) => !fixed) : [];
}

/** Attention with a kernel of the registry as a case: fused, and unfused. Everything that the kernel learns is an input. */
export function attentionCases(name: string, { batch, heads, n, m, d: width, dv }: Extents): { fused: Case; unfused: Case } {
  const kernel = kernels[name]();
  const { widthMultiple = 1 } = kernel;
  const d = Math.ceil(width / widthMultiple) * widthMultiple;
  const sizes = { batch, heads, queries: n, keys: m, dim: d };
  const shapes = {
    q: [batch, heads, n, d],
    k: [batch, heads, m, d],
    v: [batch, heads, m, dv],
    ...Object.fromEntries((kernel.inputs ?? []).map((input) => [input.name, input.shape(sizes)])),
    ...Object.fromEntries(learnedBy(kernel).map((parameter) => [parameter.name, [heads]])),
  };
  return {
    fused: { name, shapes, run: (inputs) => attention(kernel, inputs as AttentionInputs) },
    unfused: { name, shapes, run: (inputs) => unfusedAttention(name, inputs) },
  };
}

import { attention, kernels, type AttentionInputs } from "../../src/index.js";
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

/** Attention with a kernel of the registry as a case: fused, and unfused. Everything that the kernel learns is an input. */
export function attentionCases(name: string, { batch, heads, n, m, d, dv }: Extents): { fused: Case; unfused: Case } {
  const kernel = kernels[name]();
  const shapes = {
    q: [batch, heads, n, d],
    k: [batch, heads, m, d],
    v: [batch, heads, m, dv],
    ...Object.fromEntries(kernel.parameters.map((parameter) => [parameter.name, [heads]])),
  };
  return {
    fused: { name, shapes, run: (inputs) => attention(kernel, inputs as AttentionInputs) },
    unfused: { name, shapes, run: (inputs) => unfusedAttention(name, inputs) },
  };
}

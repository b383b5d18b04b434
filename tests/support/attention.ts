import {
  attention,
  kernels,
  ops,
  type AttentionInputs,
  type AttentionKernel,
  type KernelParameter,
  type Tensor,
} from "../../src/index.js";
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
  return "parameters" in kernel ? kernel.parameters : [];
}

/**
 * Attention with a kernel of the registry as a case: fused, and unfused. Everything that the kernel learns is an input.
 */
export function attentionCases(
  name: string,
  { batch, heads, n, m, d: width, dv }: Extents,
): { fused: Case; unfused: Case } {
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

/** Learned parameters as numbers from 0.5 to 1.5, and matrices that leave lengths about as they are. */
function withModerateInputs(testCase: Case, kernel: AttentionKernel): Case {
  const learned = new Set(learnedBy(kernel).map(({ name }) => name));
  const isMatrix = (name: string, { shape }: Tensor): boolean =>
    !["q", "k", "v"].includes(name) && shape.length === 3 && shape[1] === shape[2];
  const moderate = (name: string, x: Tensor): Tensor => {
    if (learned.has(name)) return ops.add(ops.sigmoid(x), 0.5);
    return isMatrix(name, x) ? ops.multiply(x, 1 / Math.sqrt(x.shape[2])) : x;
  };
  const all = (inputs: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
    Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, moderate(name, x)]));
  return { ...testCase, run: (inputs) => testCase.run(all(inputs)) };
}

/** `attentionCases` whose learned inputs are moderate. */
export function casesFor(name: string, extents: Extents): { fused: Case; unfused: Case } {
  const { fused, unfused } = attentionCases(name, extents);
  const kernel = kernels[name]();
  return { fused: withModerateInputs(fused, kernel), unfused: withModerateInputs(unfused, kernel) };
}

/** One kernel for each program: kernels that change queries and keys before the passes run the program of another. */
export function distinctPrograms(): string[] {
  const programs = new Map<string, string>();
  for (const [name, factory] of Object.entries(kernels)) {
    const kernel = factory();
    const program =
      "formula" in kernel ? [kernel.normalizer, ...kernel.shaders.map(({ file }) => file)].join(" ") : name;
    if (!programs.has(program)) programs.set(program, name);
  }
  return [...programs.values()];
}

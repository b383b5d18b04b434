import {
  attention,
  cpu,
  kernels,
  ops,
  type AttentionInputs,
  type AttentionOptions,
  type Backend,
  type Mask,
  type Tensor,
} from "../../src/index.js";
import { densify } from "../../src/kernels/resolve-mask.js";
import { attentionCases, type Extents } from "./attention.js";
import type { Case } from "./cases.js";
import { draws, drawsFor, expectAsExactAsFloat32, outputAndGradients, type Results } from "./compare.js";
import { naiveFloat16 } from "./float32.js";
import { unfusedAttention } from "./unfused.js";

/** Numbers that a kernel learns between 0.5 and 1.5, and matrices that leave lengths about as they are. */
function moderate(inputs: Readonly<Record<string, Tensor>>): AttentionInputs {
  const change = (name: string, x: Tensor): Tensor => {
    if (x.shape.length === 1) return ops.add(ops.sigmoid(x), 0.5);
    return ["metric", "coupling"].includes(name) && x.shape[1] === x.shape[2]
      ? ops.multiply(x, 1 / Math.sqrt(x.shape[2]))
      : x;
  };
  return Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, change(name, x)]),
  ) as unknown as AttentionInputs;
}

export interface Variation {
  readonly mask?: Mask;
  /** Query heads that share a key head. */
  readonly sharedBy?: number;
}

/** Float16 queries, keys and values, fused and unfused. */
export function halfCases(
  name: string,
  extents: Extents,
  { mask, sharedBy = 1 }: Variation = {},
): { fused: Case; unfused: Case } {
  const { fused, unfused } = attentionCases(name, extents);
  const options: AttentionOptions = { mask };
  const half = (x: Tensor): Tensor => ops.cast(x, "f16");
  const { q, k, v } = fused.shapes;
  const shapes = {
    ...fused.shapes,
    k: [k[0], k[1] / sharedBy, ...k.slice(2)],
    v: [v[0], v[1] / sharedBy, ...v.slice(2)],
  };
  const repeated = (x: Tensor): Tensor => {
    const [batch, heads, tokens, width] = x.shape;
    return ops.reshape(
      ops.expand(ops.reshape(x, [batch, heads, 1, tokens, width]), [batch, heads, sharedBy, tokens, width]),
      [batch, heads * sharedBy, tokens, width],
    );
  };
  const run = (inputs: AttentionInputs): Tensor =>
    ops.cast(
      attention(kernels[name](), { ...inputs, q: half(inputs.q), k: half(inputs.k), v: half(inputs.v) }, options),
      "f32",
    );
  const seen = (backend: Backend): Tensor | undefined => {
    if (mask === undefined) return undefined;
    const dense = densify(mask, { batch: q[0], heads: q[1], queries: q[2], keys: k[2] });
    return backend.tensor(dense.seen, dense.shape);
  };
  return {
    fused: { ...fused, shapes, half: true, run: (inputs) => run(moderate(inputs)) },
    unfused: {
      ...unfused,
      shapes,
      half: true,
      run: (inputs) =>
        unfusedAttention(
          name,
          moderate({ ...inputs, k: repeated(inputs["k"]), v: repeated(inputs["v"]) }),
          seen(inputs["q"].backend),
        ),
    },
  };
}

/** One draw, for tensors with many numbers. */
export async function expectAsExactAsHalf(
  gpu: Backend,
  { fused, unfused }: { fused: Case; unfused: Case },
): Promise<void> {
  const many = (results: Results): Results =>
    Object.fromEntries(Object.entries(results).filter(([, values]) => values.length >= 64));
  const on = async (backend: Backend, testCase: Case): Promise<Results[]> => [
    many(await outputAndGradients(backend, testCase)),
  ];
  expectAsExactAsFloat32(await on(gpu, fused), await on(naiveFloat16, unfused), await on(cpu, fused));
}

/** Enough draws for tensors with few numbers. */
export async function expectAllAsExactAsHalf(
  gpu: Backend,
  { fused, unfused }: { fused: Case; unfused: Case },
): Promise<void> {
  const on = (backend: Backend, testCase: Case): Promise<Results[]> =>
    draws(drawsFor(fused), 3, (seed) => outputAndGradients(backend, testCase, seed));
  expectAsExactAsFloat32(await on(gpu, fused), await on(naiveFloat16, unfused), await on(cpu, fused));
}

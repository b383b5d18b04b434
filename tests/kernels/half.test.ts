import { describe, expect, it } from "vitest";
import {
  and, attention, causal, cpu, kernels, ops, slidingWindow, type AttentionInputs, type AttentionOptions, type Backend, type Mask, type Tensor,
} from "../../src/index.js";
import { densify } from "../../src/kernels/mask.js";
import { attentionCases, type Extents } from "../support/attention.js";
import type { Case } from "../support/cases.js";
import { draws, drawsFor, expectAsExactAsFloat32, outputAndGradients, type Results } from "../support/compare.js";
import { naiveFloat16 } from "../support/float32.js";
import { adapterHas, describeGpu } from "../support/gpu.js";
import { unfusedAttention } from "../support/unfused.js";

const tiled = Object.keys(kernels).filter((name) => "formula" in kernels[name]());
const hasHalf = await adapterHas((gpu) => gpu.dtypes.includes("f16"));

/** Numbers that a kernel learns between 0.5 and 1.5, and matrices that leave lengths about as they are. */
function moderate(inputs: Readonly<Record<string, Tensor>>): AttentionInputs {
  const change = (name: string, x: Tensor): Tensor => {
    if (x.shape.length === 1) return ops.add(ops.sigmoid(x), 0.5);
    return ["metric", "coupling"].includes(name) && x.shape[1] === x.shape[2] ? ops.multiply(x, 1 / Math.sqrt(x.shape[2])) : x;
  };
  return Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, change(name, x)])) as unknown as AttentionInputs;
}

interface Variation {
  readonly mask?: Mask;
  /** Query heads that share a key head. */
  readonly sharedBy?: number;
}

/** Float16 queries, keys and values against the same numbers without fusion. */
function casesFor(name: string, extents: Extents, { mask, sharedBy = 1 }: Variation = {}): { fused: Case; unfused: Case } {
  const { fused, unfused } = attentionCases(name, extents);
  const options: AttentionOptions = { mask };
  const half = (x: Tensor): Tensor => ops.cast(x, "f16");
  const { q, k, v } = fused.shapes;
  const shapes = { ...fused.shapes, k: [k[0], k[1] / sharedBy, ...k.slice(2)], v: [v[0], v[1] / sharedBy, ...v.slice(2)] };
  const repeated = (x: Tensor): Tensor => {
    const [batch, heads, tokens, width] = x.shape;
    return ops.reshape(ops.expand(ops.reshape(x, [batch, heads, 1, tokens, width]), [batch, heads, sharedBy, tokens, width]), [batch, heads * sharedBy, tokens, width]);
  };
  const run = (inputs: AttentionInputs): Tensor =>
    ops.cast(attention(kernels[name](), { ...inputs, q: half(inputs.q), k: half(inputs.k), v: half(inputs.v) }, options), "f32");
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
      run: (inputs) => unfusedAttention(name, moderate({ ...inputs, k: repeated(inputs["k"]), v: repeated(inputs["v"]) }), seen(inputs["q"].backend)),
    },
  };
}

/** One draw, for all that has many numbers in it. */
async function expectManyExact(gpu: Backend, { fused, unfused }: { fused: Case; unfused: Case }): Promise<void> {
  const many = (results: Results): Results => Object.fromEntries(Object.entries(results).filter(([, values]) => values.length >= 64));
  const on = async (backend: Backend, testCase: Case): Promise<Results[]> => [many(await outputAndGradients(backend, testCase))];
  expectAsExactAsFloat32(await on(gpu, fused), await on(naiveFloat16, unfused), await on(cpu, fused));
}

describe("naive float16", () => {
  it("is further from float64 than the tolerance of float32", async () => {
    const { fused, unfused } = casesFor("softmax", { batch: 1, heads: 2, n: 33, m: 17, d: 8, dv: 8 });
    const [half, exact] = [await outputAndGradients(naiveFloat16, unfused), await outputAndGradients(cpu, fused)];
    const error = Array.from(exact["output"], (value, index) => Math.abs(value - half["output"][index]));
    expect(Math.max(...error)).toBeGreaterThan(2 ** -12);
    expect(Math.max(...error)).toBeLessThan(2 ** -8);
  });
});

describeGpu(
  "attention on float16",
  (gpu) => {
    async function expectExact(name: string, extents: Extents, variation?: Variation): Promise<void> {
      await expectManyExact(gpu(), casesFor(name, extents, variation));
    }

    it.each(tiled)("%s is as exact as unfused float16, gradients of all it learns too", async (name) => {
      const { fused, unfused } = casesFor(name, { batch: 1, heads: 2, n: 7, m: 9, d: 5, dv: 7 });
      const on = (backend: Backend, testCase: Case): Promise<Results[]> =>
        draws(drawsFor(fused), 3, (seed) => outputAndGradients(backend, testCase, seed));
      expectAsExactAsFloat32(await on(gpu(), fused), await on(naiveFloat16, unfused), await on(cpu, fused));
    });

    it.each(tiled)("%s is as exact at odd lengths and widths above a tile's", async (name) => {
      await expectExact(name, { batch: 2, heads: 2, n: 33, m: 47, d: 5, dv: 7 });
    });

    it.each(tiled)("%s is as exact where rows load as vec4s", async (name) => {
      await expectExact(name, { batch: 1, heads: 2, n: 35, m: 65, d: 8, dv: 12 });
    });

    it.each(["softmax", "gaussian", "polynomial"])("%s is as exact over long sequences", async (name) => {
      await expectExact(name, { batch: 1, heads: 1, n: 129, m: 131, d: 5, dv: 3 });
      await expectExact(name, { batch: 1, heads: 1, n: 130, m: 129, d: 8, dv: 8 });
    });

    it.each(["softmax", "sigmoid"])("%s is as exact for few queries over many keys", async (name) => {
      await expectExact(name, { batch: 1, heads: 2, n: 2, m: 601, d: 7, dv: 5 });
    });

    it.each(["softmax", "gaussian", "laplacian"])("%s is as exact with masks and shared key heads", async (name) => {
      await expectExact(name, { batch: 1, heads: 4, n: 37, m: 37, d: 8, dv: 5 }, { mask: causal(), sharedBy: 2 });
      await expectExact(name, { batch: 2, heads: 2, n: 40, m: 40, d: 8, dv: 8 }, { mask: and(causal(), slidingWindow(9)), sharedBy: 2 });
    });

    it.each(["softmax", "gaussian"])("%s repeats its gradients bit for bit", async (name) => {
      const { fused } = casesFor(name, { batch: 2, heads: 2, n: 70, m: 45, d: 8, dv: 4 });
      const first = await outputAndGradients(gpu(), fused);
      for (let repeat = 1; repeat < 5; repeat++) expect(await outputAndGradients(gpu(), fused)).toEqual(first);
    });
  },
  hasHalf,
);

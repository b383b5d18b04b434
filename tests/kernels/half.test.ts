import { describe, expect, it } from "vitest";
import { and, causal, cpu, kernels, slidingWindow } from "../../src/index.js";
import type { Extents } from "../support/attention.js";
import { outputAndGradients } from "../support/compare.js";
import { naiveFloat16 } from "../support/float32.js";
import { adapterHas, describeGpu } from "../support/gpu.js";
import { expectAllAsExactAsHalf, expectAsExactAsHalf, halfCases, type Variation } from "../support/half.js";

const tiled = Object.keys(kernels).filter((name) => "formula" in kernels[name]());
const hasHalf = await adapterHas((gpu) => gpu.dtypes.includes("f16"));

describe("naive float16", () => {
  it("is further from float64 than the tolerance of float32", async () => {
    const { fused, unfused } = halfCases("softmax", { batch: 1, heads: 2, n: 33, m: 17, d: 8, dv: 8 });
    const [half, exact] = [await outputAndGradients(naiveFloat16, unfused), await outputAndGradients(cpu, fused)];
    const error = Array.from(exact["output"], (value, index) => Math.abs(value - half["output"][index]));
    expect(Math.max(...error)).toBeGreaterThan(2 ** -12);
    expect(Math.max(...error)).toBeLessThan(2 ** -8);
  });
});

describeGpu(
  "attention on float16",
  (gpu) => {
    const expectExact = (name: string, extents: Extents, variation?: Variation): Promise<void> =>
      expectAsExactAsHalf(gpu(), halfCases(name, extents, variation));

    it.each(tiled)("%s is as exact as unfused float16, gradients of all it learns too", async (name) => {
      await expectAllAsExactAsHalf(gpu(), halfCases(name, { batch: 1, heads: 2, n: 7, m: 9, d: 5, dv: 7 }));
    });

    it.each(tiled)("%s is as exact at odd lengths and widths above a tile's", async (name) => {
      await expectExact(name, { batch: 2, heads: 2, n: 33, m: 47, d: 5, dv: 7 });
    });

    it.each(["softmax", "gaussian", "polynomial", "laplacian"])(
      "%s is as exact where rows load as vec4s",
      async (name) => {
        await expectExact(name, { batch: 1, heads: 2, n: 35, m: 65, d: 8, dv: 12 });
      },
    );

    it.each(["softmax", "gaussian", "polynomial"])("%s is as exact over long sequences", async (name) => {
      await expectExact(name, { batch: 1, heads: 1, n: 129, m: 131, d: 5, dv: 3 });
      await expectExact(name, { batch: 1, heads: 1, n: 130, m: 129, d: 8, dv: 8 });
    });

    it.each(["softmax", "sigmoid"])("%s is as exact for few queries over many keys", async (name) => {
      await expectExact(name, { batch: 1, heads: 4, n: 2, m: 601, d: 7, dv: 8 });
    });

    it.each(["softmax", "gaussian", "laplacian"])("%s is as exact with masks and shared key heads", async (name) => {
      await expectExact(name, { batch: 1, heads: 4, n: 37, m: 37, d: 8, dv: 5 }, { mask: causal(), sharedBy: 2 });
      await expectExact(
        name,
        { batch: 2, heads: 2, n: 40, m: 40, d: 8, dv: 8 },
        { mask: and(causal(), slidingWindow(9)), sharedBy: 2 },
      );
    });

    it.each(["softmax", "gaussian"])("%s repeats its gradients bit for bit", async (name) => {
      const { fused } = halfCases(name, { batch: 2, heads: 2, n: 70, m: 45, d: 8, dv: 4 });
      const first = await outputAndGradients(gpu(), fused);
      for (let repeat = 1; repeat < 5; repeat++) expect(await outputAndGradients(gpu(), fused)).toEqual(first);
    });
  },
  { when: hasHalf },
);

import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  and,
  attention,
  causal,
  cpu,
  gaussian,
  kernels,
  ops,
  random,
  slidingWindow,
  valueAndGrad,
  type AttentionInputs,
  type Backend,
  type Gpu,
  type Tensor,
} from "../../src/index.js";
import { roundToHalf } from "../../src/core/half.js";
import { loadMatrixForms } from "../../src/gpu/forms.js";
import type { Extents } from "../support/attention.js";
import { outputAndGradients, type Results } from "../support/compare.js";
import { adapterHas, describeGpu, plain } from "../support/gpu.js";
import { expectAllAsExactAsHalf, expectAsExactAsHalf, halfCases, type Variation } from "../support/half.js";
import { matrixPasses, watchPasses } from "../support/matrices.js";

// A software adapter compiles one of these passes for up to half a minute before it has it in its cache.
vi.setConfig({ testTimeout: 240_000 });
afterEach(() => vi.restoreAllMocks());

const multiplied = Object.keys(kernels).filter((name) => {
  const kernel = kernels[name]();
  return "formula" in kernel && kernel.formula.component === undefined;
});
const options = { subgroupMatrices: true };
const hasMatrices = await adapterHas((gpu) => gpu.subgroupMatrices, options);
const hasHalf = await adapterHas((gpu) => gpu.dtypes.includes("f16"));

/**
 * Extents around the edges of blocks, and of vec4s; of one width, because a software adapter compiles a pass for
 * seconds.
 */
const edges: Extents = { batch: 2, heads: 2, n: 65, m: 47, d: 5, dv: 17 };

function sameResults(gpu: () => Gpu, names: readonly string[], emulate = false): void {
  const expectExact = async (name: string, extents: Extents, variation?: Variation): Promise<void> => {
    const seen = watchPasses({ emulate });
    await expectAsExactAsHalf(gpu(), halfCases(name, extents, variation));
    for (const pass of matrixPasses) expect(seen).toContain(pass);
  };

  it.each(names)("%s is as exact as unfused float16, gradients too", async (name) => {
    await expectExact(name, edges);
  });

  it.each(names)("%s is as exact in one block", async (name) => {
    await expectExact(name, { ...edges, n: 7, m: 9 });
  });

  it.each(names)("%s is as exact with masks and shared key heads", async (name) => {
    await expectExact(name, { ...edges, heads: 4, n: 70, m: 70 }, { mask: causal(), sharedBy: 2 });
    await expectExact(name, { ...edges, n: 40, m: 40 }, { mask: and(causal(), slidingWindow(9)), sharedBy: 2 });
  });

  it.each([
    ["above float16, of polynomial", kernels["polynomial"](), 40, 1],
    ["below float16, of gaussian", gaussian({ gamma: 1 }), 2.2, 4e4],
  ] as const)("weights %s keep their digits", async (_, kernel, size, valueSize) => {
    const stream = random(5);
    const numbers = (width: number, scale: number, first: number): Float64Array =>
      stream.normals(33 * width).map((x) => roundToHalf(scale * (first + 0.1 * x)));
    const data = {
      q: numbers(edges.d, size, 1),
      k: numbers(edges.d, size, kernel.name === "gaussian" ? -0.2 : 1),
      v: numbers(edges.dv, valueSize, 0.9),
    };
    const gradients = async (backend: Backend): Promise<Results> => {
      watchPasses({ emulate });
      const tensors = Object.fromEntries(
        Object.entries(data).map(([name, values]) => [name, backend.tensor(values, [1, 1, 33, values.length / 33])]),
      ) as unknown as AttentionInputs;
      const half = (x: Tensor): Tensor => ops.cast(x, "f16");
      const run = ({ q, k, v }: AttentionInputs): Tensor =>
        ops.cast(attention(kernel, { q: half(q), k: half(k), v: half(v) }), "f32");
      const output = run(tensors);
      const { gradients: found } = valueAndGrad((p) => ops.multiply(ops.sum(run(p)), valueSize), tensors);
      return { output: await output.read(), v: await found.v.read() };
    };
    const [actual, exact] = [await gradients(gpu()), await gradients(cpu)];
    for (const name of Object.keys(exact)) {
      const largest = Math.max(...Array.from(exact[name], Math.abs));
      Array.from(exact[name]).forEach((value, index) =>
        expect(Math.abs(actual[name][index] - value) / largest).toBeLessThan(2 ** -9),
      );
    }
  });

  it.each(names.slice(0, 2))("%s repeats its gradients bit for bit", async (name) => {
    watchPasses({ emulate });
    const { fused } = halfCases(name, edges);
    const first = await outputAndGradients(gpu(), fused);
    for (let repeat = 1; repeat < 5; repeat++) expect(await outputAndGradients(gpu(), fused)).toEqual(first);
  });
}

// Everything but the products themselves, wherever there is float16.
describe("with products by plain sums", () => {
  beforeAll(loadMatrixForms);
  describeGpu("passes over blocks of float16", (gpu) => sameResults(gpu, ["softmax", "gaussian", "polynomial"], true), {
    when: hasHalf,
    capabilities: { ...plain, matrixUnit: { M: 16, N: 16, K: 16 } },
  });
});

describeGpu(
  "passes by subgroup matrices",
  (gpu) => {
    sameResults(gpu, multiplied);

    it.each(multiplied)("%s is as exact, gradients of all it learns too", async (name) => {
      await expectAllAsExactAsHalf(gpu(), halfCases(name, { ...edges, batch: 1, n: 7, m: 9 }));
    });

    it.each(multiplied)("%s is as exact where rows load as vec4s", async (name) => {
      await expectAsExactAsHalf(gpu(), halfCases(name, { batch: 1, heads: 1, n: 33, m: 65, d: 64, dv: 32 }));
    });

    it("a head of 128 fits, or is left to the other forms", async () => {
      await expectAsExactAsHalf(gpu(), halfCases("softmax", { batch: 1, heads: 1, n: 65, m: 47, d: 128, dv: 128 }));
    });
  },
  { when: hasMatrices, options },
);

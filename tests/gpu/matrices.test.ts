import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { attention, kernels, lengths, ops, requestGpu, softmax, type Tensor } from "../../src/index.js";
import { MATRIX_FEATURE, openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { chooseMatrixUnit, type MatrixUnit } from "../../src/gpu/matrix-unit.js";
import { attentionCases } from "../support/attention.js";
import type { Case } from "../support/cases.js";
import { outputAndGradients } from "../support/compare.js";
import { matrixPasses, watchPasses } from "../support/matrices.js";

const assumed = vi.hoisted(() => ({ unit: undefined as MatrixUnit | undefined }));
vi.mock("../../src/gpu/capabilities.js", async (original) => {
  const real = await original<typeof import("../../src/gpu/capabilities.js")>();
  const capabilitiesOf: typeof real.capabilitiesOf = (...device) => ({
    ...real.capabilitiesOf(...device),
    matrixUnit: assumed.unit,
  });
  return { ...real, capabilitiesOf };
});
afterEach(() => vi.restoreAllMocks());

const tiled = Object.keys(kernels).filter((name) => "formula" in kernels[name]());

function onHalves(name: string, d: number, dv: number): Case {
  const { fused } = attentionCases(name, { batch: 2, heads: 2, n: 5, m: 3, d, dv });
  const half = (x: Tensor): Tensor => ops.cast(x, "f16");
  return {
    ...fused,
    run: ({ q, k, v, ...learned }) => ops.cast(fused.run({ ...learned, q: half(q), k: half(k), v: half(v) }), "f32"),
  };
}

describe("passes by subgroup matrices on the null backend", () => {
  beforeEach(() => {
    assumed.unit = undefined;
  });

  it.each([[{ M: 16, N: 16, K: 16 }], [{ M: 8, N: 16, K: 16 }], [{ M: 8, N: 8, K: 8 }]])(
    "compile for products of %o",
    async (unit) => {
      assumed.unit = unit;
      using gpu = await requestGpu({ dawn: ["backend=null"], subgroupMatrices: true });
      expect(gpu.subgroupMatrices).toBe(true);
      const seen = watchPasses();
      for (const name of tiled) {
        for (const [d, dv] of [
          [16, 16],
          [5, 3],
          [8, 20],
        ])
          await outputAndGradients(gpu, onHalves(name, d, dv));
      }
      await gpu.finish();
      for (const pass of matrixPasses) expect(seen).toContain(pass);
    },
  );

  it("compile with lengths, a bias and a softcap", async () => {
    assumed.unit = { M: 16, N: 16, K: 16 };
    using gpu = await requestGpu({ dawn: ["backend=null"], subgroupMatrices: true });
    const seen = watchPasses();
    const x = gpu.full(0.5, [2, 2, 5, 8], { dtype: "f16" });
    const bias = gpu.full(0, [1, 2, 5, 5]);
    attention(softmax(), { q: x, k: x, v: x }, { mask: lengths({ queries: [5, 2], keys: [3, 4] }), bias, softcap: 20 });
    await gpu.finish();
    expect([...seen]).toEqual(
      expect.arrayContaining(["passes/forward_matrix.wgsl", "lib/bias.wgsl", "lib/lengths.wgsl"]),
    );
  });

  it("ask Dawn for its experimental features beside the toggles that the caller names", async () => {
    const dawn = ["backend=null", "enable-dawn-features=disable_robustness"];
    for (const subgroupMatrices of [true, false]) {
      const device = await openDevice({ dawn, subgroupMatrices });
      using owner = new Gpu(device, true);
      expect(owner.dtypes).toContain("f16");
      expect(device.features.has(MATRIX_FEATURE)).toBe(subgroupMatrices);
    }
  });

  it("are for inner products, for float16, and for heads that fit in workgroup memory", async () => {
    assumed.unit = { M: 16, N: 16, K: 16 };
    using gpu = await requestGpu({ dawn: ["backend=null"], subgroupMatrices: true });
    const seen = watchPasses();
    await outputAndGradients(gpu, onHalves("laplacian", 16, 16));
    await outputAndGradients(gpu, attentionCases("softmax", { batch: 1, heads: 1, n: 5, m: 3, d: 16, dv: 16 }).fused);
    await outputAndGradients(gpu, onHalves("softmax", 512, 512));
    for (const pass of matrixPasses) expect(seen).not.toContain(pass);
  });

  it("are not taken unless asked for, nor without a product that fits", async () => {
    vi.restoreAllMocks();
    using gpu = await requestGpu({ dawn: ["backend=null"] });
    expect(gpu.subgroupMatrices).toBe(false);
    const config = (componentType: string, resultComponentType: string, [M, N, K]: number[]) => ({
      componentType,
      resultComponentType,
      M,
      N,
      K,
    });
    expect(chooseMatrixUnit([])).toBeUndefined();
    expect(
      chooseMatrixUnit([
        config("f16", "f16", [16, 16, 16]),
        config("f32", "f32", [8, 8, 8]),
        config("f16", "f32", [32, 16, 16]),
      ]),
    ).toBeUndefined();
    const small = config("f16", "f32", [8, 16, 16]);
    const large = config("f16", "f32", [16, 16, 16]);
    expect(chooseMatrixUnit([small, large, config("f16", "f32", [16, 8, 16])])).toBe(large);
  });
});

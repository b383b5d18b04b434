import { describe, expect, it, vi } from "vitest";
import { create } from "webgpu";
import {
  attention,
  kernels,
  ops,
  requestGpu,
  ShaderCompileError,
  softmax,
  type AttentionInputs,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { attentionCases } from "../support/attention.js";
import { cases, inputsOf, upload, type Case } from "../support/cases.js";
import { outputAndGradients } from "../support/compare.js";
import { tiles } from "../support/gpu.js";

// Dawn's null backend validates everything and computes nothing: no numbers here.
const nullAdapter = { dawn: ["backend=null"] };

// Dawn's Node binding crashes when the object behind a device is collected.
const dawn = create([...nullAdapter.dawn]);

async function defaultDevice(): Promise<GPUDevice> {
  const adapter = await dawn.requestAdapter();
  if (adapter === null) throw new Error("Dawn has no null adapter");
  return adapter.requestDevice();
}

describe("every linked shader on the null backend", () => {
  it.each([[true], [false]])("compiles, with subgroups %s", async (subgroups) => {
    using gpu = await requestGpu({ ...nullAdapter, subgroups });
    for (const testCase of cases) await outputAndGradients(gpu, testCase);
    for (const name of Object.keys(kernels)) {
      for (const [d, dv] of [
        [1, 1],
        [64, 64],
        [5, 130],
      ]) {
        await outputAndGradients(gpu, attentionCases(name, { batch: 2, heads: 2, n: 5, m: 3, d, dv }).fused);
      }
    }
    await gpu.finish();
  });

  it("becomes one pipeline, also for a kernel that is made anew", async () => {
    const device = await defaultDevice();
    const made = vi.spyOn(device, "createComputePipeline");
    using gpu = new Gpu(device, true);
    for (const name of Object.keys(kernels)) {
      const sizes = { batch: 1, heads: 1, n: 3, m: 3, d: 4, dv: 4 };
      await outputAndGradients(gpu, attentionCases(name, sizes).fused);
      const before = made.mock.calls.length;
      await outputAndGradients(gpu, attentionCases(name, sizes).fused);
      expect(made.mock.calls.length - before, name).toBe(0);
      expect(before).toBeGreaterThan(0);
    }
  });

  // A device with WebGPU's default limits, 16 KiB of workgroup memory, and one with all that the adapter has.
  it.each([
    ["the default limits", undefined],
    ["the adapter's limits", {}],
  ])("blocks in registers compile within %s", async (_title, options) => {
    const device = await (options === undefined ? defaultDevice() : openDevice(nullAdapter));
    using gpu = new Gpu(device, true, tiles);
    for (const name of Object.keys(kernels)) {
      for (const [d, dv] of [
        [1, 1],
        [64, 64],
        [5, 128],
        [128, 128],
        [5, 130],
      ]) {
        await outputAndGradients(gpu, attentionCases(name, { batch: 2, heads: 2, n: 5, m: 3, d, dv }).fused);
      }
    }
    await gpu.finish();
  });

  it.each([[true], [false]])(
    "compiles for float16 in every form of the passes, with subgroups %s",
    async (subgroups) => {
      using gpu = await requestGpu({ ...nullAdapter, subgroups });
      expect(gpu.dtypes).toContain("f16");
      const half = (x: Tensor): Tensor => ops.cast(x, "f16");
      for (const name of Object.keys(kernels).filter((kernel) => "formula" in kernels[kernel]())) {
        for (const [n, m, d, dv] of [
          [5, 3, 5, 130],
          [130, 129, 8, 8],
          [130, 129, 5, 3],
          [2, 300, 4, 4],
        ]) {
          const { fused } = attentionCases(name, { batch: 2, heads: 2, n, m, d, dv });
          const run: Case["run"] = ({ q, k, v, ...learned }) =>
            ops.cast(fused.run({ ...learned, q: half(q), k: half(k), v: half(v) }), "f32");
          await outputAndGradients(gpu, { ...fused, run });
        }
      }
      await gpu.finish();
    },
  );

  it("a mistake in a shader is reported in its file and line, once, by the next read", async () => {
    using gpu = await requestGpu(nullAdapter);
    const right = softmax();
    const broken = {
      file: "kernels/broken.wgsl",
      text: "// a comment\nfn score(pair: Pair) -> f32 {\n  return pair.produkt;\n}",
    };
    const kernel: TiledKernel = { ...right, shaders: [...right.shaders.slice(0, -1), broken] };
    const shapes = { q: [1, 1, 2, 3], k: [1, 1, 2, 3], v: [1, 1, 2, 3] };
    const inputs = upload(gpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs;
    const output = attention(kernel, inputs);
    await expect(output.read()).rejects.toThrow(ShaderCompileError);
    await expect(attention(kernel, inputs).read()).rejects.toThrow();
    await inputs.q.read();
  });

  it("names the line in the kernel's own file", async () => {
    using gpu = await requestGpu(nullAdapter);
    const right = softmax();
    const broken = {
      file: "kernels/broken.wgsl",
      text: `${right.shaders.at(-1)!.text}\nfn extra() -> f32 {\n  return nothing;\n}`,
    };
    const kernel: TiledKernel = { ...right, shaders: [...right.shaders.slice(0, -1), broken] };
    const line = broken.text.split("\n").findIndex((text) => text.includes("nothing")) + 1;
    const shapes = { q: [1, 1, 2, 3], k: [1, 1, 2, 3], v: [1, 1, 2, 3] };
    const output = attention(kernel, upload(gpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs);
    await expect(output.read()).rejects.toThrow(`shaders/kernels/broken.wgsl:${line}:`);
  });
});

import { describe, expect, it } from "vitest";
import {
  ArgumentError,
  cpu,
  NonFiniteError,
  ops,
  random,
  requestGpu,
  ShaderCompileError,
  attention,
  softmax,
  UnsupportedError,
  valueAndGrad,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { gradientDescent } from "../../src/nn/index.js";
import { adapterHas, describeGpu } from "../support/gpu.js";

const hasHalf = await adapterHas((gpu) => gpu.dtypes.includes("f16"));

/** Numbers that float32 has. */
const singles = Float32Array.from(random(3).normals(6));
const special = [NaN, Infinity, -Infinity, -0, 2 ** -149, 1];
/** Special numbers without backend.tensor, which refuses them. */
const specialOn = (backend: Backend): Tensor => {
  const [zero, one] = [backend.full(0, [1]), backend.full(1, [1])];
  const parts = [ops.divide(zero, zero), ops.divide(one, zero), ops.divide(ops.subtract(zero, one), zero)];
  return ops.concat(parts, 0);
};

describe("tensor.to on one backend", () => {
  it("shares memory, in a tensor of its own that no step and no scope changes", async () => {
    const x = cpu.tensor([1, 2]);
    let made: Promise<Tensor> | undefined;
    cpu.scope(() => void (made = x.to(cpu)));
    const copy = await made!;
    expect(copy).not.toBe(x);
    gradientDescent({ stepSize: 1 }).step({ x }, { x: cpu.tensor([1, 1]) });
    expect([await x.read(), await copy.read()]).toEqual([Float64Array.of(0, 1), Float64Array.of(1, 2)]);
    x.dispose();
    expect(await copy.read()).toEqual(Float64Array.of(1, 2));
  });

  it("refuses what is no backend, disposed tensors, and calls inside valueAndGrad", () => {
    const x = cpu.tensor([1, 2]);
    for (const wrong of [undefined, null, 7, "cpu", {}, x])
      expect(() => x.to(wrong as never)).toThrow(/^to: backend: wanted a backend, as cpu or a Gpu/);
    const inside = (): unknown => valueAndGrad((p) => (void p.x.to(cpu), ops.sum(p.x)), { x });
    expect(inside).toThrow(UnsupportedError);
    expect(inside).toThrow(/to: wanted a call outside valueAndGrad.*Move tensors before/);
    x.dispose();
    expect(() => x.to(cpu)).toThrow(ArgumentError);
  });
});

describeGpu("tensor.to", (gpu) => {
  it("brings the same numbers from the CPU, in float32, and back", async () => {
    const x = cpu.tensor(singles, [2, 3]);
    const there = await x.to(gpu());
    expect(there).toMatchObject({ shape: [2, 3], dtype: "f32", backend: gpu() });
    expect(await there.read()).toEqual(singles);
    const back = await there.to(cpu);
    expect(back).toMatchObject({ shape: [2, 3], dtype: "f64", backend: cpu });
    expect(await back.read()).toEqual(Float64Array.from(singles));
    const third = await cpu.tensor([1 / 3]).to(gpu());
    expect(await third.read()).toEqual(Float32Array.of(1 / 3));
    there.dispose();
    third.dispose();
  });

  it("brings NaN, infinity and both zeros, and refuses finite numbers beyond float32", async () => {
    const first = await specialOn(cpu).to(gpu());
    expect(await first.read()).toEqual(Float32Array.of(NaN, Infinity, -Infinity));
    expect(await (await first.to(cpu)).read()).toEqual(Float64Array.of(NaN, Infinity, -Infinity));
    const rest = await cpu.tensor(special.slice(3)).to(gpu());
    expect(await (await rest.to(cpu)).read()).toEqual(Float64Array.from(special.slice(3)));
    await expect(cpu.tensor([1, 1e39]).to(gpu())).rejects.toThrow(NonFiniteError);
    await expect(cpu.tensor([1, 1e39]).to(gpu())).rejects.toThrow(/to: data.*1e\+39 at index 1/);
  });

  it("goes to another Gpu, and owns its memory there", async () => {
    using other = await requestGpu();
    const x = gpu().tensor(singles);
    const moved = await x.to(other);
    x.dispose();
    expect(moved.backend).toBe(other);
    const sum = ops.add(moved, 0);
    expect(await sum.read()).toEqual(singles);
    sum.dispose();
    moved.dispose();
    expect(other.memory.used).toBe(0);
  });

  it("shares memory on its own Gpu", async () => {
    const before = gpu().memory.used;
    const x = gpu().tensor(singles);
    const used = gpu().memory.used;
    const same = await x.to(gpu());
    expect(gpu().memory.used).toBe(used);
    x.dispose();
    expect(await same.read()).toEqual(singles);
    same.dispose();
    expect(gpu().memory.used).toBe(before);
  });

  it("takes the numbers of the moment of the call", async () => {
    const x = gpu().tensor([1, 2]);
    const moving = x.to(cpu);
    gradientDescent({ stepSize: 1 }).step({ x }, { x: gpu().tensor([1, 1]) });
    x.dispose();
    expect(await (await moving).read()).toEqual(Float64Array.of(1, 2));
  });

  it("rejects with the error of work that failed", async () => {
    const x = gpu().full(1, [1, 1, 1, 1]);
    const failed = attention({ ...softmax(), shaders: [] }, { q: x, k: x, v: x });
    await expect(failed.to(cpu)).rejects.toThrow(ShaderCompileError);
  });

  it("has its gradients where it is: what a loss closes over may come from elsewhere", async () => {
    const target = await cpu.tensor([3, 4]).to(gpu());
    const { gradients } = valueAndGrad(({ w }) => ops.sum(ops.multiply(w, target)), { w: gpu().tensor([1, 2]) });
    expect(await gradients.w.read()).toEqual(Float32Array.of(3, 4));
  });
});

describeGpu(
  "tensor.to with float16",
  (gpu) => {
    it("stays float16 between GPUs that have it, infinity and NaN included, and is float64 on the CPU", async () => {
      using other = await requestGpu();
      const x = ops.cast(specialOn(gpu()), "f16");
      const moved = await x.to(other);
      expect(moved.dtype).toBe("f16");
      expect(await moved.read()).toEqual(Float32Array.of(NaN, Infinity, -Infinity));
      const halves = gpu().tensor([1 / 3, 65504, -0], [3], { dtype: "f16" });
      const back = await halves.to(cpu);
      expect(back.dtype).toBe("f64");
      expect(await back.read()).toEqual(Float64Array.from(await halves.read()));
      expect(await (await halves.to(other)).read()).toEqual(await halves.read());
    });

    it("becomes float32 where float16 is missing", async () => {
      using other = await requestGpu({ dawn: ["backend=null"] });
      Reflect.defineProperty(other, "dtypes", { value: ["f32"] });
      const halves = gpu().tensor([1, 2], [2], { dtype: "f16" });
      expect((await halves.to(other)).dtype).toBe("f32");
    });
  },
  { when: hasHalf },
);

import { expect, it } from "vitest";
import {
  ArgumentError,
  attention,
  cpu,
  DeviceLostError,
  ops,
  requestGpu,
  ShaderCompileError,
  softmax,
  UnsupportedError,
  wrapDevice,
} from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { describeGpu, gpuIt, plain } from "../support/gpu.js";

describeGpu("mistakes on the GPU", (gpu) => {
  it("mixing backends", () => {
    const [a, b] = [gpu().tensor([1, 2]), cpu.tensor([1, 2])];
    expect(() => ops.add(a, b)).toThrow(ArgumentError);
    expect(() => ops.add(a, b)).toThrow(/add: wanted tensors of one backend, got one on gpu .* and one on cpu/);
  });

  it("using a disposed tensor", async () => {
    const a = gpu().tensor([1, 2]);
    a.dispose();
    a.dispose();
    expect(() => ops.add(a, 1)).toThrow(/a live tensor, got a disposed tensor of shape \[2\]/);
    await expect(a.read()).rejects.toThrow(ArgumentError);
  });

  it("a tensor above the adapter's limits names the limit, and costs nothing", async () => {
    const before = gpu().memory.used;
    const a = gpu().full(1, [1]);
    expect(() => ops.expand(a, [1 << 16, 1 << 16])).toThrow(UnsupportedError);
    expect(() => ops.expand(a, [1 << 16, 1 << 16])).toThrow(/maxStorageBufferBindingSize/);
    a.dispose();
    expect(gpu().memory.used).toBe(before);
  });

  it("a head wider than workgroup memory names the limit", async () => {
    using own = new Gpu(await openDevice({}), true, plain);
    const wide = own.full(1, [1, 1, 1, 20_000]);
    expect(() => attention(softmax(), { q: wide, k: wide, v: wide })).toThrow(/maxComputeWorkgroupStorageSize/);
  });

  it("more workgroups than a dimension holds names the limit", () => {
    const x = gpu().full(1, [1 << 16, 1, 1, 1]);
    expect(() => attention(softmax(), { q: x, k: x, v: x })).toThrow(
      /at most 65535 workgroups in a dimension \(maxComputeWorkgroupsPerDimension\).*Split the batch/,
    );
    x.dispose();
  });

  it("the Gpu itself, after dispose", async () => {
    const own = await requestGpu();
    const a = own.tensor([1]);
    own.dispose();
    expect(() => own.tensor([1])).toThrow(/a live Gpu, got a disposed one/);
    await expect(a.read()).rejects.toThrow(/a live Gpu/);
    a.dispose();
  });

  it("memory of failed calls is given back", () => {
    const before = gpu().memory.used;
    const [a, b] = [gpu().full(1, [2, 3]), gpu().full(1, [2, 3])];
    expect(() => ops.matmul(a, b)).toThrow(/matmul: wanted a \[..., rows, inner\]/);
    a.dispose();
    b.dispose();
    expect(gpu().memory.used).toBe(before);
  });
});

gpuIt("an error on the device rejects reads of what it should have computed, and no other", async (gpu) => {
  const bystander = gpu.tensor([1, 2, 3]);
  const x = gpu.full(1, [1, 1, 1, 1]);
  const kernel = softmax();
  const failed = attention({ ...kernel, shaders: [] }, { q: x, k: x, v: x });
  expect(await bystander.read()).toEqual(Float32Array.of(1, 2, 3));
  await expect(failed.read()).rejects.toThrow(ShaderCompileError);
  await expect(failed.read()).rejects.toThrow(ShaderCompileError);
  expect(await bystander.read()).toEqual(Float32Array.of(1, 2, 3));
});

gpuIt("a lost device rejects reads, and leaves other devices alone", async (gpu) => {
  const device = await openDevice({});
  using owner = new Gpu(device, true);
  const tensor = owner.tensor([1, 2, 3]);
  device.destroy();
  await device.lost;
  await expect(tensor.read()).rejects.toThrow(DeviceLostError);
  expect(await gpu.tensor([4]).read()).toEqual(Float32Array.of(4));
});

gpuIt("wrapDevice leaves the caller's device alive", async () => {
  const device = await openDevice({});
  using owner = new Gpu(device, true);
  const guest = wrapDevice(device);
  expect(await guest.tensor([1]).read()).toEqual(Float32Array.of(1));
  guest.dispose();
  expect(await owner.tensor([2]).read()).toEqual(Float32Array.of(2));
});

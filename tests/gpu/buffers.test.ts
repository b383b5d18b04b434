import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ArgumentError,
  attention,
  cpu,
  DeviceError,
  gaussian,
  keyValueCache,
  decode,
  ops,
  random,
  requestGpu,
  ShaderCompileError,
  ShapeError,
  softmax,
  valueAndGrad,
  wrapDevice,
  type BufferOptions,
  type Gpu,
  type Tensor,
} from "../../src/index.js";
import { adam, gradientDescent } from "../../src/nn/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { BufferUsage, MAP_READ_MODE } from "../../src/gpu/webgpu-constants.js";
import { available, gpuIt } from "../support/gpu.js";

const { STORAGE, COPY_SRC, COPY_DST, MAP_READ, UNIFORM } = BufferUsage;

describe.runIf(available)("buffers of a shared device", () => {
  let device: GPUDevice;
  let gpu: Gpu;
  beforeAll(async () => {
    device = await openDevice({});
    gpu = wrapDevice(device);
  });
  afterAll(() => {
    gpu.dispose();
    device.destroy();
  });

  /** A buffer of exactly these numbers, from byte `offset` on. */
  function bufferWith(numbers: ArrayLike<number>, usage = STORAGE | COPY_SRC | COPY_DST, offset = 0): GPUBuffer {
    const buffer = device.createBuffer({ size: offset + 4 * numbers.length, usage });
    device.queue.writeBuffer(buffer, offset, Float32Array.from(numbers));
    return buffer;
  }

  /** What a buffer holds, by commands of the caller's own. */
  async function contents(buffer: GPUBuffer, offset: number, size: number): Promise<Float32Array> {
    const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(MAP_READ_MODE);
    const numbers = new Float32Array(staging.getMappedRange()).slice();
    staging.destroy();
    return numbers;
  }

  /** The numbers doubled by a compute pass of the caller's own. */
  async function doubled(x: GPUBufferBinding, count: number): Promise<Float32Array> {
    const code = `
      @group(0) @binding(0) var<storage, read> x: array<f32>;
      @group(0) @binding(1) var<storage, read_write> y: array<f32>;
      @compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = 2 * x[id.x]; }`;
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: { module: device.createShaderModule({ code }) },
    });
    const y = device.createBuffer({ size: 4 * count, usage: STORAGE | COPY_SRC });
    const entries = [x, { buffer: y }].map((resource, binding) => ({ binding, resource }));
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(count);
    pass.end();
    device.queue.submit([encoder.finish()]);
    return contents(y, 0, 4 * count);
  }

  const bindingOf = async (tensor: Tensor): Promise<GPUBufferBinding> => await gpu.bufferOf(tensor);

  describe("gpu.fromBuffer", () => {
    it("is the very buffer, costs no memory, and is alive when its tensors are disposed", async () => {
      const numbers = Float32Array.from(random(1).normals(12));
      const buffer = bufferWith(numbers);
      const before = gpu.memory;
      const x = gpu.fromBuffer(buffer, [3, 4]);
      const view = ops.reshape(x, [12]);
      expect(x.dtype).toBe("f32");
      expect(await gpu.bufferOf(x)).toEqual({ buffer, offset: 0, size: 48 });
      expect((await gpu.bufferOf(x)).buffer).toBe(buffer);
      expect((await gpu.bufferOf(view)).buffer).toBe(buffer);
      expect(gpu.memory).toEqual(before);
      x.dispose();
      expect(await view.read()).toEqual(numbers);
      view.dispose();
      expect(gpu.memory.used).toBe(before.used);
      expect(await contents(buffer, 0, 48)).toEqual(numbers);
      using again = gpu.fromBuffer(buffer, [12]);
      expect(await again.read()).toEqual(numbers);
      buffer.destroy();
    });

    it.each([
      [1, 1, 1],
      [3, 5, 3],
      [33, 8, 4],
      [40, 16, 16],
    ])("gives the values and gradients that tensor() gives: %d tokens, widths %d and %d", async (n, d, dv) => {
      const shapes = { q: [1, 2, n, d], k: [1, 2, n, d], v: [1, 2, n, dv] };
      const stream = random(n);
      const data = Object.entries(shapes).map(
        ([name, shape]) => [name, shape, Float32Array.from(stream.normals(shape.reduce((a, b) => a * b, 1)))] as const,
      );
      const run = async (make: (numbers: Float32Array, shape: readonly number[]) => Tensor): Promise<number[][]> => {
        const inputs = Object.fromEntries(data.map(([name, shape, numbers]) => [name, make(numbers, shape)]));
        const { value, gradients } = valueAndGrad(
          (p) =>
            ops.sum(ops.square(ops.add(attention(gaussian(), p as Record<"q" | "k" | "v", Tensor>), ops.mean(p.q)))),
          inputs,
        );
        return Promise.all([value, ...Object.values(gradients)].map(async (x) => [...(await x.read())]));
      };
      const foreign = await run((numbers, shape) => gpu.fromBuffer(bufferWith(numbers), shape));
      expect(foreign).toEqual(await run((numbers, shape) => gpu.tensor(numbers, shape)));
      expect(foreign.flat().some((number) => number !== 0)).toBe(true);
    });

    it("takes parts of a buffer, whose numbers are read together", async () => {
      const step = device.limits.minStorageBufferOffsetAlignment;
      const numbers = Float32Array.from({ length: step / 2 }, (_, at) => at);
      const buffer = bufferWith(numbers, STORAGE | COPY_SRC | COPY_DST, step);
      const first = gpu.fromBuffer(buffer, [4], { offset: step });
      const second = gpu.fromBuffer(buffer, [4], { offset: 2 * step });
      expect(await gpu.bufferOf(second)).toEqual({ buffer, offset: 2 * step, size: 16 });
      const start = step / 4;
      expect(await second.read()).toEqual(numbers.slice(start, start + 4));
      expect(await ops.add(first, second).read()).toEqual(Float32Array.from([0, 2, 4, 6], (sum) => sum + start));
    });

    it("sees what the caller submitted before; an optimiser's step leaves the buffer alone", async () => {
      const buffer = bufferWith([1, 2, 3]);
      const weight = gpu.fromBuffer(buffer, [3]);
      device.queue.writeBuffer(buffer, 0, Float32Array.of(4, 5, 6));
      const { gradients } = valueAndGrad(({ w }) => ops.sum(ops.square(w)), { w: weight });
      adam({ learningRate: 1 }).step({ w: weight }, gradients);
      expect([...(await weight.read())].map(Math.round)).toEqual([3, 4, 5]);
      expect(await contents(buffer, 0, 12)).toEqual(Float32Array.of(4, 5, 6));
      expect((await gpu.bufferOf(weight)).buffer).not.toBe(buffer);
    });

    it("refuses to be a cache, which is written in place", async () => {
      const row = gpu.full(1, [1, 1, 1, 2]);
      const cache = keyValueCache(gpu, softmax(), { batch: 1, kvHeads: 1, capacity: 2, dim: 2 });
      const buffer = bufferWith([7, 7, 7, 7]);
      const foreign = { ...cache, values: gpu.fromBuffer(buffer, [1, 1, 2, 2]) };
      expect(() => decode(foreign, { q: row, k: row, v: row })).toThrow(ArgumentError);
      expect(() => decode(foreign, { q: row, k: row, v: row })).toThrow(/the buffer that gpu.fromBuffer was given/);
      expect(await contents(buffer, 0, 16)).toEqual(Float32Array.of(7, 7, 7, 7));
    });

    it.each([
      ["no buffer", () => ({}) as GPUBuffer, [2], {}, ArgumentError, /buffer: wanted a GPUBuffer/],
      [
        "a usage without STORAGE",
        () => bufferWith([1, 2], UNIFORM | COPY_DST),
        [2],
        {},
        ArgumentError,
        /usage STORAGE/,
      ],
      ["too few bytes", () => bufferWith([1, 2]), [3], {}, ArgumentError, /at least 12 bytes.*got 8/],
      ["too few behind the offset", () => bufferWith([1, 2]), [2], { offset: 256 }, ArgumentError, /264 bytes/],
      ["an offset between bindings", () => bufferWith([1, 2, 3]), [1], { offset: 4 }, ArgumentError, /a multiple of/],
      ["an offset below 0", () => bufferWith([1, 2, 3]), [1], { offset: -256 }, ArgumentError, /offset/],
      ["an empty shape", () => bufferWith([1]), [0], {}, ShapeError, /whole extents/],
      ["float64", () => bufferWith([1, 2]), [1], { dtype: "f64" }, ArgumentError, /"f16" or "f32"/],
      ["an unknown option", () => bufferWith([1]), [1], { ofset: 0 }, ArgumentError, /Did you mean offset/],
      [
        "a mapped buffer",
        () => device.createBuffer({ size: 8, usage: STORAGE, mappedAtCreation: true }),
        [2],
        {},
        ArgumentError,
        /not mapped, got mapState "mapped"/,
      ],
    ] as const)("refuses %s", (_title, make, shape, options, kind, message) => {
      const call = (): Tensor => gpu.fromBuffer(make(), shape, options as BufferOptions);
      expect(call).toThrow(kind);
      expect(call).toThrow(message);
    });

    it("computes with a buffer that cannot be copied from, and says why it cannot read it", async () => {
      const x = gpu.fromBuffer(bufferWith([1, 2], STORAGE | COPY_DST), [2]);
      expect(await ops.add(x, 1).read()).toEqual(Float32Array.of(2, 3));
      await expect(x.read()).rejects.toThrow(ArgumentError);
      await expect(ops.reshape(x, [1, 2]).read()).rejects.toThrow(/read: wanted a buffer with usage COPY_SRC/);
    });

    it("of another device rejects what depends on it, and nothing else", async () => {
      const other = await openDevice({});
      const stranger = other.createBuffer({ size: 16, usage: STORAGE | COPY_SRC });
      const [x, y] = [gpu.fromBuffer(stranger, [4]), gpu.tensor([1, 2, 3, 4])];
      const [sum, square] = [ops.add(x, y), ops.square(y)];
      expect(await square.read()).toEqual(Float32Array.of(1, 4, 9, 16));
      for (const tensor of [x, sum]) {
        await expect(tensor.read()).rejects.toThrow(DeviceError);
        await expect(gpu.bufferOf(tensor)).rejects.toThrow(DeviceError);
      }
      other.destroy();
    });

    it("is refused on a Gpu that was disposed", () => {
      const own = wrapDevice(device);
      own.dispose();
      expect(() => own.fromBuffer(bufferWith([1]), [1])).toThrow(/a live Gpu/);
    });
  });

  describe("gpu.bufferOf", () => {
    it("has submitted all that writes the numbers, so that the caller's own pass computes with them", async () => {
      const numbers = Float32Array.from(random(2).normals(40));
      const x = gpu.tensor(numbers, [5, 8]);
      const sum = ops.add(ops.multiply(x, 3), x); // a new pipeline and new memory may wait for the device
      const { buffer, offset, size } = await bindingOf(sum);
      expect(size).toBe(160);
      const twice = await doubled({ buffer, offset, size }, 40);
      expect(twice).toEqual(Float32Array.from(await sum.read(), (number) => 2 * number));
      for (const [at, number] of numbers.entries()) expect(twice[at]).toBeCloseTo(8 * number, 4);
    });

    it("is where the numbers lie when it resolves, if a step replaces them meanwhile", async () => {
      const x = gpu.tensor([3, 5]);
      const { buffer: old } = await gpu.bufferOf(x);
      const pending = gpu.bufferOf(x);
      gradientDescent({ stepSize: 1 }).step({ x }, { x: gpu.tensor([1, 1]) });
      const { buffer, offset, size } = await pending;
      expect(buffer).not.toBe(old);
      expect(await contents(buffer, offset, size)).toEqual(Float32Array.of(2, 4));
    });

    it("leads back without a copy on another Gpu of the device", async () => {
      const neighbour = wrapDevice(device);
      const x = gpu.tensor([1, 2, 3]);
      const { buffer } = await gpu.bufferOf(x);
      const same = neighbour.fromBuffer(buffer, x.shape);
      expect(await neighbour.bufferOf(same)).toMatchObject({ buffer, size: 12 });
      expect(await ops.add(same, 1).read()).toEqual(Float32Array.of(2, 3, 4));
      neighbour.dispose();
      expect(await x.read()).toEqual(Float32Array.of(1, 2, 3));
    });

    it("refuses tensors that are disposed, before and meanwhile, or of another backend", async () => {
      const x = gpu.tensor([1, 2]);
      x.dispose();
      await expect(gpu.bufferOf(x)).rejects.toThrow(/a live tensor, got a disposed tensor/);
      const y = gpu.tensor([1, 2]);
      const late = gpu.bufferOf(y);
      y.dispose();
      await expect(late).rejects.toThrow(/a live tensor, got a disposed tensor/);
      await expect(gpu.bufferOf(cpu.tensor([1]))).rejects.toThrow(/a tensor of this Gpu, got one on cpu.*tensor\.to/);
      await expect(gpu.bufferOf(7 as never)).rejects.toThrow(ArgumentError);
      using other = await requestGpu({ dawn: ["backend=null"] });
      await expect(gpu.bufferOf(other.tensor([1]))).rejects.toThrow(/a tensor of this Gpu/);
    });

    it("rejects with the error of work that failed", async () => {
      const x = gpu.full(1, [1, 1, 1, 1]);
      const failed = attention({ ...softmax(), shaders: [] }, { q: x, k: x, v: x });
      await expect(gpu.bufferOf(failed)).rejects.toThrow(ShaderCompileError);
      await gpu.finish(); // told already
    });

    gpuIt("rejects when the Gpu is disposed meanwhile", async () => {
      const own = wrapDevice(device);
      const pending = own.bufferOf(own.tensor([1]));
      own.dispose();
      await expect(pending).rejects.toThrow(ArgumentError);
    });
  });
});

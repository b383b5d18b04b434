import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ArgumentError,
  attention,
  cpu,
  decode,
  defineKernel,
  gaussian,
  keyValueCache,
  ops,
  random,
  requestGpu,
  ShaderCompileError,
  softmax,
  valueAndGrad,
  wrapDevice,
  type Gpu,
  type Tensor,
  type WarmUpProgress,
} from "../../src/index.js";
import { adamw, sgd, trainStep } from "../../src/nn/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { available, gpuIt } from "../support/gpu.js";

const broken = defineKernel({
  name: "broken",
  score: ({ product }) => product,
  partials: () => ({ product: 1 }),
  wgsl: "fn score(",
});

describe.runIf(available)("gpu.warmUp", () => {
  let device: GPUDevice;
  let gpu: Gpu;
  /** Calls of the device by name. */
  let calls: Record<string, number>;
  beforeEach(async () => {
    device = await openDevice({});
    calls = {};
    for (const name of [
      "createComputePipeline",
      "createComputePipelineAsync",
      "createShaderModule",
      "createBuffer",
      "createCommandEncoder",
    ] as const) {
      const call = Reflect.get(device, name) as (...given: unknown[]) => unknown;
      calls[name] = 0;
      Reflect.defineProperty(device, name, {
        value: (...given: unknown[]) => {
          calls[name]++;
          return call.apply(device, given);
        },
      });
    }
    gpu = wrapDevice(device);
  });
  afterEach(() => {
    gpu.dispose();
    device.destroy();
  });

  const parametersOn = (backend: Pick<Gpu, "tensor">): { q: Tensor; k: Tensor; v: Tensor } => {
    const stream = random(5);
    const row = (): Tensor => backend.tensor(Float32Array.from(stream.normals(2 * 40 * 8)), [1, 2, 40, 8]);
    return { q: row(), k: row(), v: row() };
  };
  const loss = (p: { q: Tensor; k: Tensor; v: Tensor }): Tensor =>
    ops.mean(ops.square(ops.gelu(attention(gaussian(), p))));

  it("leaves no pipeline to be made by the first call, and tells its progress", async () => {
    const parameters = parametersOn(gpu);
    const optimizer = adamw({ learningRate: 0.1 });
    const step = (): Promise<number> => trainStep(optimizer, parameters, loss, { clip: 1 });
    const told: WarmUpProgress[] = [];
    await gpu.finish();
    const encoders = calls.createCommandEncoder;
    await gpu.warmUp(step, { onProgress: (progress) => told.push(progress) });
    expect(calls.createComputePipeline).toBe(0);
    expect(calls.createCommandEncoder).toBe(encoders); // nothing was queued
    const total = calls.createComputePipelineAsync;
    expect(total).toBeGreaterThan(8);
    expect(told).toEqual(Array.from({ length: total }, (_, at) => ({ done: at + 1, total })));
    const before = { ...calls };
    expect(Number.isFinite(await step())).toBe(true);
    expect(calls).toMatchObject({
      createComputePipeline: 0,
      createComputePipelineAsync: before.createComputePipelineAsync,
      createShaderModule: before.createShaderModule,
      createBuffer: expect.any(Number) as number,
    });
    expect(calls.createCommandEncoder).toBeGreaterThan(encoders);
    await gpu.warmUp(step, { onProgress: () => expect.unreachable() });
    expect(calls.createComputePipelineAsync).toBe(before.createComputePipelineAsync);
  });

  it("without it, the first call makes them", async () => {
    await trainStep(adamw({ learningRate: 0.1 }), parametersOn(gpu), loss);
    expect(calls.createComputePipeline).toBeGreaterThan(8);
  });

  it("changes neither parameters, nor an optimiser, whose steps follow as without it", async () => {
    const numbersAfter = async (home: Gpu, isWarm: readonly boolean[]): Promise<number[]> => {
      const parameters = parametersOn(home);
      const optimizer = adamw({ learningRate: (step) => 0.1 / (1 + step), weightDecay: 0.1 });
      const other = sgd({ learningRate: 0.01 });
      const step = (): void => {
        const { gradients } = valueAndGrad(loss, parameters);
        optimizer.step(parameters, gradients);
        other.step(parameters, gradients);
      };
      for (const warm of isWarm) {
        if (warm) await home.warmUp(step);
        else home.scope(step);
      }
      const memories = optimizer.state(parameters).memories.flat();
      expect(optimizer.state(parameters).steps).toBe(isWarm.filter((warm) => !warm).length);
      const tensors = [...Object.values(parameters), ...memories];
      return (await Promise.all(tensors.map(async (x) => [...(await x.read())]))).flat();
    };
    expect(await numbersAfter(gpu, [true, false, true, false])).toEqual(await numbersAfter(gpu, [false, false]));
    expect(await numbersAfter(gpu, [true])).toEqual(await numbersAfter(gpu, []));
  });

  it("leaves a cache as it is, and tensors on the CPU compute as ever", async () => {
    const cache = keyValueCache(gpu, softmax(), { batch: 1, kvHeads: 1, capacity: 4, dim: 2 });
    const row = gpu.tensor([1, 2], [1, 1, 1, 2]);
    const plain = { w: cpu.tensor([1]) };
    const optimizer = sgd({ learningRate: 1, momentum: 0 });
    await gpu.warmUp(() => {
      decode(cache, { q: row, k: row, v: row });
      optimizer.step(plain, { w: cpu.tensor([1]) });
    });
    expect(cache.length).toBe(0);
    expect(await cache.values.read()).toEqual(new Float32Array(8));
    expect(await plain.w.read()).toEqual(Float64Array.of(0));
    const { createComputePipeline } = calls;
    expect(await decode(cache, { q: row, k: row, v: row }).read()).toEqual(Float32Array.of(1, 2));
    expect(calls.createComputePipeline).toBe(createComputePipeline);
    expect(cache.length).toBe(1);
  });

  it("gives memory back, and rejects reads of what it did not compute", async () => {
    const x = gpu.tensor([1, 2, 3, 4]);
    const before = gpu.memory.used;
    const kept: Tensor[] = [];
    let read: Promise<unknown> | undefined;
    await gpu.warmUp(() => {
      const y = ops.exp(ops.add(x, gpu.tensor([1, 1, 1, 1])));
      kept.push(gpu.keep(y), gpu.keep(gpu.full(1, [2])), gpu.keep(gpu.tensor([1])));
      read = y.read().catch((error: unknown) => error);
      return ops.square(y);
    });
    expect(await read).toBeInstanceOf(ArgumentError);
    for (const tensor of kept) {
      await expect(tensor.read()).rejects.toThrow(/a tensor that it made, which has no numbers/);
      await expect(ops.add(tensor, 1).read()).rejects.toThrow(ArgumentError);
      await expect(gpu.bufferOf(tensor)).rejects.toThrow(ArgumentError);
      tensor.dispose();
    }
    expect(await x.read()).toEqual(Float32Array.of(1, 2, 3, 4));
    expect(gpu.memory.used).toBeGreaterThanOrEqual(before); // results of the failed additions live
    await gpu.finish();
  });

  it("rejects with the compile error of a shader, as the call itself does, and keeps the others", async () => {
    const { q } = parametersOn(gpu);
    const body = (): Tensor => ops.exp(attention(broken, { q, k: q, v: ops.sin(q) }));
    await expect(gpu.warmUp(body)).rejects.toThrow(ShaderCompileError);
    await expect(gpu.warmUp(body)).rejects.toThrow(/^shader: shaders\/.*\.wgsl:\d+:\d+: /);
    await gpu.finish(); // told already
    await expect(body().read()).rejects.toThrow(ShaderCompileError);
  });

  it("works beside calls that need the same pipelines meanwhile", async () => {
    const x = gpu.tensor([1, 2, 3]);
    const work = (): Tensor => ops.multiply(ops.square(x), x);
    const [, result] = await Promise.all([gpu.warmUp(work), work().read(), gpu.warmUp(work)]);
    expect(result).toEqual(Float32Array.of(1, 8, 27));
    expect(await work().read()).toEqual(Float32Array.of(1, 8, 27));
  });

  it("hands on what the function or onProgress throws, and works again after", async () => {
    const x = gpu.tensor([1]);
    const fails = (): never => {
      throw new RangeError("mine");
    };
    await expect(gpu.warmUp(fails)).rejects.toThrow("mine");
    await expect(gpu.warmUp(() => ops.exp(x), { onProgress: fails })).rejects.toThrow("mine");
    await expect(gpu.warmUp(async () => fails())).rejects.toThrow("mine");
    expect(await ops.exp(ops.subtract(x, 1)).read()).toEqual(Float32Array.of(1));
  });

  it("refuses functions that await something else, arguments of another kind and a disposed Gpu", async () => {
    await expect(gpu.warmUp(async () => undefined)).rejects.toThrow(/body: wanted a synchronous function/);
    await expect(gpu.warmUp(7 as never)).rejects.toThrow(/body: wanted a function/);
    await expect(gpu.warmUp(() => 1, { progress: () => 1 } as never)).rejects.toThrow(/Did you mean onProgress/);
    gpu.dispose();
    await expect(gpu.warmUp(() => 1)).rejects.toThrow(/a live Gpu/);
  });

  it("knows a kernel that is made anew by its shaders", async () => {
    const p = parametersOn(gpu);
    await attention(gaussian(), p).read();
    const { createShaderModule } = calls;
    await attention(gaussian(), p).read();
    expect(calls.createShaderModule).toBe(createShaderModule);
    await attention(gaussian({ normalize: true }), p).read();
    expect(calls.createShaderModule).toBeGreaterThan(createShaderModule);
  });
});

gpuIt("a warm-up that outlives its device rejects", async () => {
  const own = await requestGpu();
  const x = own.tensor([1]);
  const warming = own.warmUp(() => ops.exp(ops.sin(x)));
  setTimeout(() => own.dispose());
  await warming.catch((error: unknown) => expect(String(error)).toMatch(/disposed/));
});

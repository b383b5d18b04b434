import { afterEach, describe, expect, it, vi } from "vitest";
import {
  attention,
  defineKernel,
  DeviceError,
  ops,
  requestGpu,
  ShaderCompileError,
  valueAndGrad,
  type Tensor,
} from "../../src/index.js";
import { adam, gradientDescent, sgd } from "../../src/nn/index.js";
import { Waiting } from "../../src/gpu/waiting.js";
import { gpuIt } from "../support/gpu.js";

afterEach(() => vi.restoreAllMocks());

const broken = defineKernel({
  name: "broken",
  score: ({ product }) => product,
  partials: () => ({ product: 1 }),
  wgsl: "fn score(",
});

/** An attention whose shader does not compile, which depends on `x`. */
const fail = (x: Tensor): Tensor => {
  const row = ops.reshape(x, [1, 1, 1, x.size]);
  return ops.reshape(attention(broken, { q: row, k: row, v: row }), [x.size]);
};

/** Records at once, as for a caller that never awaits and has too much waiting. */
function recordUnchecked(): void {
  vi.spyOn(Waiting.prototype, "isEmpty", "get").mockReturnValue(true);
  vi.spyOn(Waiting.prototype, "add").mockImplementation((command) => command.record());
}

async function expectFailed(...tensors: readonly Tensor[]): Promise<void> {
  for (let time = 0; time < 2; time++) {
    for (const tensor of tensors) await expect(tensor.read()).rejects.toThrow(ShaderCompileError);
  }
}

describe("work that fails on the device", () => {
  gpuIt("rejects all reads of it for good, and leaves the rest alone", async (gpu) => {
    const bystander = gpu.tensor([1, 2]);
    const a = ops.add(bystander, 10);
    const b = fail(a);
    const [first, second] = await Promise.allSettled([a.read(), b.read()]);
    expect(first).toMatchObject({ value: Float32Array.of(11, 12) });
    expect(second).toMatchObject({ reason: expect.any(ShaderCompileError) as Error });
    await expectFailed(b);
    expect(await a.read()).toEqual(Float32Array.of(11, 12));
    expect(await bystander.read()).toEqual(Float32Array.of(1, 2));
    await gpu.finish(); // told already
  });

  gpuIt(
    "rejects what is computed from it: by several operations, in later batches, before and after the error is known",
    async (gpu) => {
      const x = gpu.tensor([1, 2]);
      const b = fail(x);
      const [healthy, next] = [ops.add(x, 1), ops.add(b, 1)];
      void x.read(); // submits
      const later = ops.multiply(ops.sum(ops.add(next, x)), 2);
      await expectFailed(later, next, b);
      const after = ops.add(ops.square(later), x);
      const again = fail(ops.add(x, 5));
      await expectFailed(after, again);
      expect(await ops.add(healthy, x).read()).toEqual(Float32Array.of(3, 5));
      for (const tensor of [b, next, later, after, again]) tensor.dispose();
      expect(await ops.add(healthy, x).read()).toEqual(Float32Array.of(3, 5));
    },
  );

  gpuIt("is told by finish where nobody reads it, once", async (gpu) => {
    fail(gpu.tensor([1])).dispose();
    await expect(gpu.finish()).rejects.toThrow(ShaderCompileError);
    await gpu.finish();
  });

  gpuIt(
    "takes the batch that it is recorded in with it, where that was recorded unchecked, and no other",
    async (gpu) => {
      const x = gpu.tensor([1, 2]);
      const before = ops.add(x, 1);
      await before.read();
      recordUnchecked();
      const a = ops.add(x, 10);
      const b = fail(a);
      const read = Promise.allSettled([a.read(), b.read(), before.read(), x.read()]);
      const [beside, after] = [ops.add(x, 2), ops.add(a, 1)];
      const uploaded = gpu.tensor([7]);
      expect((await read).map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled", "fulfilled"]);
      await expectFailed(a, b, after, ops.add(after, x));
      expect(await beside.read()).toEqual(Float32Array.of(3, 4));
      expect(await before.read()).toEqual(Float32Array.of(2, 3));
      expect(await uploaded.read()).toEqual(Float32Array.of(7));
      // in memory that may have been that of others
      expect(await ops.add(x, 10).read()).toEqual(Float32Array.of(11, 12));
    },
  );

  gpuIt("takes an operation of many dispatches with it, of which the last batch fails", async (gpu) => {
    const x = gpu.tensor([1]);
    await ops.add(x, 1).read();
    recordUnchecked();
    const sums = Array.from({ length: 300 }, (_, index) => ops.add(x, index)); // more than one batch
    const b = fail(sums[299]);
    const last = ops.add(sums[0], sums[299]);
    await expectFailed(b, last, sums[299]);
    expect(await sums[0].read()).toEqual(Float32Array.of(1));
  });

  it.each([
    ["gradientDescent", () => gradientDescent({ stepSize: 0.1 })],
    ["sgd", () => sgd({ learningRate: 0.1 })],
    ["adam", () => adam({ learningRate: 0.1 })],
  ])("leaves no parameter of a step of %s with wrong numbers", async (_name, make) => {
    using gpu = await requestGpu({ dawn: ["backend=null"] }); // it computes nothing, and this needs no number
    const parameters = { healthy: gpu.tensor([1, 2]), harmed: gpu.tensor([3, 4]) };
    const optimizer = make();
    const step = (f: (x: Tensor) => Tensor): Tensor => {
      const { value, gradients } = valueAndGrad(
        (p) => ops.add(ops.sum(ops.square(p.healthy)), ops.sum(f(p.harmed))),
        parameters,
      );
      optimizer.step(parameters, gradients);
      return value;
    };
    await step((x) => ops.square(x)).read();
    await expect(step(fail).read()).rejects.toThrow(ShaderCompileError);
    await expectFailed(parameters.harmed);
    await parameters.healthy.read();
    await expect(step((x) => ops.square(x)).read()).rejects.toThrow(ShaderCompileError);
    await expectFailed(parameters.harmed);
  });
});

describe("many reads in flight", () => {
  gpuIt("10,000 of one, and of many tensors", async (gpu) => {
    const x = gpu.tensor([1, 2, 3]);
    const all = await Promise.all(Array.from({ length: 10_000 }, () => x.read()));
    expect(all.every((numbers) => numbers.join() === "1,2,3")).toBe(true);
    const tensors = Array.from({ length: 2000 }, (_, index) =>
      gpu.tensor(new Array<number>(1 + (index % 5)).fill(index)),
    );
    const each = await Promise.all(tensors.map((tensor) => tensor.read()));
    expect(each.map((numbers) => [numbers.length, numbers.at(-1)])).toEqual(
      tensors.map(({ size }, index) => [size, index]),
    );
    expect(gpu.memory.allocated - gpu.memory.used).toBeLessThan(2e6);
  });

  gpuIt("each after a turn, of memory that serves again at once", async (gpu) => {
    const x = gpu.tensor([0]);
    const reads: ReturnType<Tensor["read"]>[] = [];
    for (let index = 0; index < 500; index++) {
      const y = ops.add(x, index);
      reads.push(y.read());
      y.dispose();
      if (index % 3 === 0) await Promise.resolve();
    }
    expect((await Promise.all(reads)).map(([number]) => number)).toEqual(reads.map((_, index) => index));
  });

  gpuIt("of tensors larger than a staging buffer beside small ones", async (gpu) => {
    const large = gpu.full(3, [5_000_000]);
    const small = gpu.tensor([4, 5]);
    const [a, b, c] = await Promise.all([small.read(), large.read(), small.read()]);
    expect([a.join(), b.length, b[0], b[4_999_999], c.join()]).toEqual(["4,5", 5_000_000, 3, 3, "4,5"]);
  });
});

describe("memory that is short", () => {
  const MiB = 2 ** 20;
  /** Dawn's null backend has 512 MiB in all. */
  const short = { dawn: ["backend=null"] };
  const floats = (mebibytes: number): number[] => [(mebibytes * MiB) / 4];

  it("free memory goes before an allocation fails", async () => {
    using gpu = await requestGpu(short);
    for (const size of [128, 48, 96, 24]) {
      const tensors = [1, 2, 3].map((value) => gpu.full(value, floats(size)));
      await Promise.all(tensors.map((tensor) => ops.sum(tensor).read()));
      for (const tensor of tensors) tensor.dispose();
    }
    expect(gpu.memory.allocated).toBeLessThanOrEqual(512 * MiB);
    await gpu.finish();
  });

  it("free memory goes where the same turn freed it", async () => {
    using gpu = await requestGpu(short);
    const results = [128, 48, 96].flatMap((size) =>
      [1, 2, 3].map((value) => gpu.scope(() => ops.sum(gpu.full(value, floats(size))))),
    );
    for (const result of results) await result.read();
    await gpu.finish();
  });

  it(
    "an allocation that failed rejects its reads, harms no other, and does not stand in the way of later " + "ones",
    async () => {
      using gpu = await requestGpu(short);
      const held = [112, 112, 112, 112, 56].map((size) => gpu.full(1, floats(size)));
      const failed = gpu.full(2, floats(16));
      const beside = ops.add(gpu.tensor([1]), 1);
      const derived = ops.sum(failed);
      await expect(derived.read()).rejects.toThrow(DeviceError);
      await expect(failed.read()).rejects.toThrow(/out-of-memory error in createBuffer of \d+ bytes/);
      await Promise.all([beside, ...held].map((tensor) => ops.sum(tensor).read()));
      const uploaded = gpu.tensor(new Float32Array(floats(16)[0]));
      await expect(ops.sum(uploaded).read()).rejects.toThrow(/out-of-memory/);
      for (const tensor of [...held, failed, uploaded]) tensor.dispose();
      for (let time = 0; time < 3; time++) {
        const later = [1, 2, 3].map((value) => gpu.full(value, floats(128)));
        await Promise.all(later.map((tensor) => ops.sum(tensor).read()));
        for (const tensor of later) tensor.dispose();
      }
      await expect(derived.read()).rejects.toThrow(/out-of-memory/);
      await gpu.finish();
    },
  );

  it("an allocation that failed where commands were recorded unchecked works again later", async () => {
    using gpu = await requestGpu(short);
    const held = [112, 112, 112, 112, 56].map((size) => gpu.full(1, floats(size)));
    await gpu.finish();
    recordUnchecked();
    const failed = gpu.full(2, floats(16));
    const derived = ops.sum(failed);
    await expect(derived.read()).rejects.toThrow(/out-of-memory error in createBuffer/);
    await expect(failed.read()).rejects.toThrow(/out-of-memory error in createBuffer/);
    vi.restoreAllMocks();
    for (const tensor of [...held, failed]) tensor.dispose();
    await ops.sum(gpu.full(2, floats(128))).read();
    await expect(derived.read()).rejects.toThrow(/out-of-memory error in createBuffer/);
  });
});

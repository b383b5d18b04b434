import { expect, it } from "vitest";
import { attention, gaussian, ops, UnsupportedError, wrapDevice } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { describeGpu } from "../support/gpu.js";

describeGpu("gpu.profile", (gpu) => {
  it("gives the device's time of every pass, and the result", async () => {
    const x = gpu().full(0.5, [1, 1, 200, 8]);
    const { result, passes } = await gpu().profile(() =>
      gpu().scope(() => ops.sum(ops.gelu(ops.gelu(attention(gaussian(), { q: x, k: x, v: x }))))),
    );
    expect(Number.isFinite((await result.read())[0])).toBe(true);
    const calls = Object.fromEntries(passes.map(({ pass, calls }) => [pass, calls]));
    expect(calls).toMatchObject({
      "ops/unary.wgsl (gelu, four)": 2,
      "ops/reduce.wgsl (sum)": expect.any(Number) as number,
    });
    expect(Object.keys(calls).some((pass) => pass.startsWith("passes/forward"))).toBe(true);
    expect(passes.every(({ ms }) => ms >= 0)).toBe(true);
    expect(passes.map(({ ms }) => ms)).toEqual(passes.map(({ ms }) => ms).sort((a, b) => b - a));
    x.dispose();
  });

  it("takes more dispatches than one set of timestamps holds", async () => {
    const x = gpu().tensor([1, 2, 3]);
    const { passes } = await gpu().profile(() =>
      gpu().scope(() => void Array.from({ length: 2100 }, () => ops.square(x))),
    );
    expect(passes).toMatchObject([{ pass: "ops/unary.wgsl (square)", calls: 2100 }]);
    x.dispose();
  });

  it("refuses work that it cannot see", async () => {
    await expect(gpu().profile(async () => undefined)).rejects.toThrow(
      /gpu.profile: body: wanted a synchronous function/,
    );
    let inner: Promise<unknown> | undefined;
    await gpu().profile(() => {
      inner = gpu().profile(() => undefined);
    });
    await expect(inner).rejects.toThrow(/a profile inside a profile/);
  });

  it("leaves nothing behind when the work throws", async () => {
    await expect(
      gpu().profile(() => {
        throw new RangeError("mine");
      }),
    ).rejects.toThrow("mine");
    expect((await gpu().profile(() => undefined)).passes).toEqual([]);
  });
});

it("is refused by name on a device without timestamps", async () => {
  const device = await openDevice({ dawn: ["backend=null"] });
  Reflect.defineProperty(device, "features", { value: new Set() });
  using gpu = wrapDevice(device);
  await expect(gpu.profile(() => undefined)).rejects.toThrow(UnsupportedError);
  await expect(gpu.profile(() => undefined)).rejects.toThrow(/wanted a device with timestamp-query/);
  device.destroy();
});

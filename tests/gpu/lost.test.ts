import { afterEach, describe, expect, it, vi } from "vitest";
import { attention, DeviceLostError, ops, softmax, wrapDevice, type Gpu, type Tensor } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { available, gpuIt } from "../support/gpu.js";

afterEach(() => vi.restoreAllMocks());

const x1 = (gpu: Gpu): Tensor => gpu.full(1, [1, 1, 2, 2]);

/** A device that can be lost without a word: commands submitted from then on do nothing, and the loss is told late. */
async function losable(): Promise<{
  readonly device: GPUDevice;
  readonly stop: () => void;
  readonly lose: () => void;
}> {
  const device = await openDevice({});
  let tell: ((info: GPUDeviceLostInfo) => void) | undefined;
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => (tell = resolve));
  Reflect.defineProperty(device, "lost", { value: lost });
  const { queue } = device;
  return {
    device,
    stop: () => void vi.spyOn(Object.getPrototypeOf(queue) as GPUQueue, "submit").mockReturnValue(undefined),
    lose: () => tell?.({ reason: "unknown", message: "a shader ran too long", __brand: "GPUDeviceLostInfo" }),
  };
}

describe.runIf(available)("a device that is lost while it computes", () => {
  it.each([
    ["before the memory comes back", 0],
    ["after it", 20],
  ])("rejects the read, told %s", async (_title, delay) => {
    const { device, stop, lose } = await losable();
    const gpu = wrapDevice(device);
    const x = gpu.tensor([1, 2]);
    for (let time = 0; time < 3; time++) await x.read(); // staging memory holds these numbers
    stop();
    const read = x.read();
    setTimeout(lose, delay);
    await expect(read).rejects.toThrow(DeviceLostError);
    await expect(x.read()).rejects.toThrow(/a lost one \(a shader ran too long\)/);
    await expect(gpu.finish()).rejects.toThrow(DeviceLostError);
    expect(() => ops.add(x, 1)).toThrow(DeviceLostError);
    gpu.dispose();
    vi.restoreAllMocks();
    device.destroy();
  });

  it("rejects reads of commands that did not run, also where no loss is told", async () => {
    const { device, stop } = await losable();
    const gpu = wrapDevice(device);
    const x = gpu.tensor([1, 2]);
    await x.read();
    stop();
    await expect(x.read()).rejects.toThrow(/read: the device did not run the commands/);
    vi.restoreAllMocks();
    await x.read();
    gpu.dispose();
    device.destroy();
  });

  gpuIt("rejects reads in flight and what waits, when it is destroyed or disposed of at any moment", async () => {
    const moments: readonly ((gpu: { dispose(): void }, device: GPUDevice) => void)[] = [
      (gpu) => gpu.dispose(),
      (_gpu, device) => device.destroy(),
    ];
    for (const end of moments) {
      for (const turns of [0, 1, 2, 5]) {
        const device = await openDevice({});
        const gpu = wrapDevice(device);
        const x = gpu.tensor([1, 2]);
        const reads = Promise.allSettled([
          x.read(),
          attention(softmax(), { q: x1(gpu), k: x1(gpu), v: x1(gpu) }).read(),
          ops.add(x, 1).read(),
        ]);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        end(gpu, device);
        for (const result of await reads)
          if (result.status === "fulfilled") expect(result.value.some((number) => number !== 0)).toBe(true);
        await expect(x.read()).rejects.toThrow();
        gpu.dispose();
        device.destroy();
      }
    }
  });
});

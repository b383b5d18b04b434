import { describe, expect, it } from "vitest";
import { ops, type Tensor } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import { available } from "../support/gpu.js";

/** Groups that a device keeps. */
const CACHED = 4096;
/** Each pair of tensors is a bind group. */
const TENSORS = 160;

describe.runIf(available)("bind groups", () => {
  it("of a software adapter are collected while the memory of JavaScript is not short", async () => {
    const device = await openDevice({});
    let [made, collected] = [0, 0];
    const registry = new FinalizationRegistry(() => collected++);
    const make = device.createBindGroup.bind(device);
    device.createBindGroup = (descriptor) => {
      const group = make(descriptor);
      registry.register(group, undefined);
      made++;
      return group;
    };
    using gpu = new Gpu(device, true);
    const tensors: Tensor[] = Array.from({ length: TENSORS }, () => gpu.full(1, [4]));
    for (const x of tensors) {
      for (const y of tensors) ops.add(x, y).dispose();
      await gpu.finish();
    }
    expect(made).toBeGreaterThan(6 * CACHED);
    // those of the cache, and what is dropped between two collections
    if (gpu.device.kind === "software") expect(made - collected).toBeLessThan(3 * CACHED);
  });
});

import { afterAll, beforeAll, describe, it } from "vitest";
import { requestGpu } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Variants } from "../../src/gpu/variants.js";

/** Blocks in registers, which hardware gets, on whatever adapter there is. */
export const tiles: Variants = { broadcastLanes: undefined, tiles: true };

/** One row an invocation, which every adapter can do. */
export const plain: Variants = { broadcastLanes: undefined, tiles: false };

type SharedGpu = Awaited<ReturnType<typeof requestGpu>>;

// The test runner names the adapter that it found, "cpu" for none; without the runner it is asked for here.
const found = process.env["ADAPTER"];
const refused = found === "cpu";
const required = process.env["REQUIRE_GPU"] === "1" || (found !== undefined && !refused);
const available = required || (!refused && (await answers()));

async function answers(): Promise<boolean> {
  try {
    (await requestGpu()).dispose();
    return true;
  } catch {
    return false;
  }
}

/**
 * A `describe` whose tests share one `Gpu`, made before the first and disposed after the last.
 * Without an adapter its tests are skipped, or fail where `REQUIRE_GPU=1`. `variants` are those that the adapter likes unless given.
 */
export function describeGpu(title: string, tests: (gpu: () => SharedGpu) => void, variants?: Variants): void {
  describe.runIf(available)(title, () => {
    let shared: SharedGpu | undefined;
    beforeAll(async () => {
      if (refused) throw new Error("REQUIRE_GPU=1, and there is no adapter");
      shared = variants === undefined ? await requestGpu() : new Gpu(await openDevice({}), true, variants);
    });
    afterAll(() => shared?.dispose());
    tests(() => {
      if (shared === undefined) throw new Error("describeGpu: the Gpu exists only while a test runs");
      return shared;
    });
  });
}

/** A test of its own with a `Gpu` of its own; skipped or failed without an adapter, as `describeGpu`. */
export function gpuIt(title: string, test: (gpu: SharedGpu) => void | Promise<void>): void {
  it.runIf(available)(title, async () => {
    if (refused) throw new Error("REQUIRE_GPU=1, and there is no adapter");
    const gpu = await requestGpu();
    try {
      await test(gpu);
    } finally {
      gpu.dispose();
    }
  });
}

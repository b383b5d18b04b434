import { afterAll, beforeAll, describe, it } from "vitest";
import { requestGpu, type GpuOptions } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Capabilities } from "../../src/gpu/capabilities.js";

/** Blocks in registers, which hardware gets, on whatever adapter there is. */
export const tiles: Capabilities = { broadcastLanes: undefined, tiles: true, matrixUnit: undefined };

/** One row an invocation, which every adapter can do. */
export const plain: Capabilities = { broadcastLanes: undefined, tiles: false, matrixUnit: undefined };

type SharedGpu = Awaited<ReturnType<typeof requestGpu>>;

// The test runner names the adapter that it found, "cpu" for none; without the runner it is asked for here.
const found = process.env["ADAPTER"];
const refused = found === "cpu";
const required = process.env["REQUIRE_GPU"] === "1" || (found !== undefined && !refused);
export const available = required || (!refused && (await answers()));

async function answers(): Promise<boolean> {
  try {
    (await requestGpu()).dispose();
    return true;
  } catch {
    return false;
  }
}

/** Whether the adapter has something: tests of it are skipped, visibly, where it has not. */
export async function adapterHas(what: (gpu: SharedGpu) => boolean, options?: GpuOptions): Promise<boolean> {
  if (!available || refused) return false;
  using gpu = await requestGpu(options);
  return what(gpu);
}

interface GpuNeeds {
  readonly when?: boolean;
  readonly options?: GpuOptions;
  /** The forms of passes. Default: what the adapter likes. */
  readonly capabilities?: Capabilities;
}

/**
 * A `describe` whose tests share one `Gpu`, made before the first and disposed after the last.
 * Without an adapter its tests are skipped, or fail where `REQUIRE_GPU=1`; without what they need of it (`when`) they are skipped.
 */
export function describeGpu(title: string, tests: (gpu: () => SharedGpu) => void, { when = true, options = {}, capabilities }: GpuNeeds = {}): void {
  describe.runIf(available && when)(title, () => {
    let shared: SharedGpu | undefined;
    beforeAll(async () => {
      if (refused) throw new Error("REQUIRE_GPU=1, and there is no adapter");
      shared = capabilities === undefined ? await requestGpu(options) : new Gpu(await openDevice(options), true, capabilities);
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

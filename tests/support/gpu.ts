import { afterAll, beforeAll, describe, it } from "vitest";
import { requestGpu, type GpuOptions } from "../../src/index.js";
import { openDevice } from "../../src/gpu/adapter.js";
import { Gpu } from "../../src/gpu/gpu.js";
import type { Capabilities } from "../../src/gpu/capabilities.js";

/** Forms with one row per invocation, which every adapter supports. */
export const plain: Capabilities = {
  broadcastLanes: undefined,
  shortRunPairs: 0,
  tiles: false,
  matrixUnit: undefined,
};

/** Forms with blocks in registers, which hardware gets, on any adapter. */
export const tiles: Capabilities = { ...plain, tiles: true };

type SharedGpu = Awaited<ReturnType<typeof requestGpu>>;

// The test runner names the adapter that it found, "cpu" for none; without the runner it is requested here.
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

/** Whether the adapter has a feature; tests of a missing feature are visibly skipped. */
export async function adapterHas(what: (gpu: SharedGpu) => boolean, options?: GpuOptions): Promise<boolean> {
  if (!available || refused) return false;
  using gpu = await requestGpu(options);
  return what(gpu);
}

interface GpuNeeds {
  readonly when?: boolean;
  readonly options?: GpuOptions;
  /** The forms of passes. Default: the adapter's own choice. */
  readonly capabilities?: Capabilities;
}

/**
 * A `describe` whose tests share one `Gpu`, created before the first and disposed after the last.
 * Without an adapter its tests are skipped, or fail if `REQUIRE_GPU=1`; if `when` does not hold they are skipped.
 */
export function describeGpu(
  title: string,
  tests: (gpu: () => SharedGpu) => void,
  { when = true, options = {}, capabilities }: GpuNeeds = {},
): void {
  describe.runIf(available && when)(title, () => {
    let shared: SharedGpu | undefined;
    beforeAll(async () => {
      if (refused) throw new Error("REQUIRE_GPU=1, and there is no adapter");
      shared =
        capabilities === undefined ? await requestGpu(options) : new Gpu(await openDevice(options), true, capabilities);
    });
    afterAll(() => shared?.dispose());
    tests(() => {
      if (shared === undefined) throw new Error("describeGpu: the Gpu exists only while a test runs");
      return shared;
    });
  });
}

/** A single test with its own `Gpu`; skipped or failed without an adapter, like `describeGpu`. */
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

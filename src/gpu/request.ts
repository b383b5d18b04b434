import { having } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { describeAdapter, gpuOptions, openDevice, type GpuOptions } from "./adapter.js";
import { capabilitiesOf } from "./capabilities.js";
import { loadMatrixForms } from "./forms.js";
import { Gpu } from "./gpu.js";
import type { WebGpuDevice } from "./webgpu-types.js";

/**
 * A backend on the best WebGPU adapter of the platform: Dawn in Node (the npm package `webgpu`), `navigator.gpu` in
 * browsers.
 *
 * Throws an `UnsupportedError` when there is none; it never falls back to the CPU by itself. On a software adapter in
 * Node, waiting for results makes every turn of the event loop sleep, for at most a millisecond.
 *
 * @example
 * using gpu = await requestGpu();
 * const q = gpu.tensor(data, [batch, heads, tokens, dim]);
 */
export async function requestGpu(options: GpuOptions = {}): Promise<Gpu> {
  const checked = checkOptions("requestGpu", options, gpuOptions);
  if (checked.subgroupMatrices) await loadMatrixForms();
  return new Gpu(await openDevice(checked), true);
}

/**
 * A backend on a device that the caller owns: disposing the backend frees its memory and leaves the device alone. It
 * uses those of the optional features shader-f16, subgroups and timestamp-query that the device has.
 *
 * @example
 * const device = await adapter.requestDevice({ requiredFeatures: ["shader-f16"] });
 * const gpu = wrapDevice(device);
 */
export function wrapDevice(device: WebGpuDevice): Gpu {
  const wanted = having<GPUDevice>(
    "a GPUDevice",
    ["createBuffer", "features", "limits", "queue"],
    "await adapter.requestDevice() gives one; requestGpu() asks for it itself.",
  );
  checkArguments("wrapDevice", { device }, { device: wanted });
  return new Gpu(device, false, { ...capabilitiesOf(device, describeAdapter(device)), matrixUnit: undefined });
}

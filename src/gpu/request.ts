import { having } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { gpuOptions, openDevice, type GpuOptions } from "./adapter.js";
import { Gpu } from "./gpu.js";

/**
 * A backend on the best WebGPU adapter of the platform: Dawn in Node (the npm package `webgpu`), `navigator.gpu` in
 * browsers.
 *
 * Throws an `UnsupportedError` when there is none; it never falls back to the CPU by itself.
 */
export async function requestGpu(options: GpuOptions = {}): Promise<Gpu> {
  return new Gpu(await openDevice(checkOptions("requestGpu", options, gpuOptions)), true);
}

/**
 * A backend on a device that the caller owns: disposing the backend frees its memory and leaves the device alone. It
 * uses those of the optional features shader-f16, subgroups, timestamp-query and chromium-experimental-subgroup-matrix
 * that the device has.
 */
export function wrapDevice(device: GPUDevice): Gpu {
  const wanted = having<GPUDevice>(
    "a GPUDevice",
    ["createBuffer", "features", "limits", "queue"],
    "await adapter.requestDevice() gives one; requestGpu() asks for it itself.",
  );
  checkArguments("wrapDevice", { device }, { device: wanted });
  return new Gpu(device, false);
}

/**
 * `GPUDevice` of the program's own WebGPU types (`lib.dom` of TypeScript 6, or the package `@webgpu/types`), and any
 * object where it has none, so that this package needs no types of another.
 */
export type WebGpuDevice = typeof globalThis extends { GPUDevice: { prototype: infer Device } } ? Device : object;

/** `GPUBuffer` of the program's own WebGPU types, and any object where it has none, as `WebGpuDevice`. */
export type WebGpuBuffer = typeof globalThis extends { GPUBuffer: { prototype: infer Buffer } } ? Buffer : object;

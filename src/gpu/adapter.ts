import { UnsupportedError } from "../core/errors.js";
import type { DeviceDescription } from "../core/tensor.js";

export interface GpuOptions {
  /** Which adapter to prefer on a machine with several. Default: the platform's choice. */
  readonly powerPreference?: GPUPowerPreference;
  /** Options for Dawn in Node, such as "backend=null" (validates, computes nothing). Ignored in browsers. */
  readonly dawn?: readonly string[];
  /** Use subgroup operations where the adapter has them and they help. Default true. */
  readonly subgroups?: boolean;
}

// Dawn's Node binding crashes when the object behind a device is collected, and keeps Node alive while it is not.
const instances = new Map<GPUDevice, GPU>();

/** Lets go of what keeps Node alive for a device that was destroyed. */
export function releaseInstance(device: GPUDevice): void {
  instances.delete(device);
}

async function findGpu(options: readonly string[]): Promise<GPU | undefined> {
  if (typeof process === "undefined" || process.versions?.node === undefined) return navigator.gpu;
  const specifier = "webgpu"; // by a variable, so that bundlers for browsers leave it alone
  try {
    const dawn = (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as typeof import("webgpu");
    return dawn.create([...options]);
  } catch (error) {
    throw new UnsupportedError({
      where: "requestGpu",
      wanted: "the npm package webgpu (Dawn for Node)",
      got: error instanceof Error ? error.message : String(error),
      fix: "Install it beside this package: npm install webgpu.",
    });
  }
}

/** Opens the adapter's device with the largest limits it has. */
export async function openDevice({ powerPreference, dawn = [], subgroups = true }: GpuOptions): Promise<GPUDevice> {
  const gpu = await findGpu(dawn);
  const adapter = await gpu?.requestAdapter({ powerPreference }).catch(() => null);
  if (!gpu || !adapter) {
    throw new UnsupportedError({
      where: "requestGpu",
      wanted: "a WebGPU adapter",
      got: gpu ? "none" : "a browser without WebGPU",
      fix: "Use the cpu backend, or install a Vulkan driver (Mesa 23 or later has a software one).",
    });
  }
  const { limits } = adapter;
  const device = await adapter.requestDevice({
    requiredFeatures: subgroups && adapter.features.has("subgroups") ? ["subgroups"] : [],
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
    },
  });
  instances.set(device, gpu);
  return device;
}

/** The adapter's own name, and whether it is a program. */
export function describeAdapter({ adapterInfo }: GPUDevice): DeviceDescription {
  const { vendor, architecture, device, description } = adapterInfo;
  const name = description || device || [vendor, architecture].filter(Boolean).join(" ") || "unnamed WebGPU adapter";
  const software = adapterInfo.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|basic render|null/i.test(`${name} ${architecture}`);
  return { kind: software ? "software" : "hardware", name };
}

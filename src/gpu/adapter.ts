import { UnsupportedError } from "../core/errors.js";
import { flag, listOf, oneOf, text } from "../core/kinds.js";
import type { Kinds } from "../core/options.js";
import type { DeviceDescription } from "../core/tensor.js";
import { softwareDevices } from "./idle.js";

/** Options of `requestGpu`. */
export interface GpuOptions {
  /** Which adapter to prefer on a machine with several. Default: the platform's choice. */
  readonly powerPreference?: "low-power" | "high-performance";
  /** Options for Dawn in Node, such as "backend=null" (validates, computes nothing). Ignored in browsers. */
  readonly dawn?: readonly string[];
  /** Use subgroup operations where the adapter has them and they help. Default true. */
  readonly subgroups?: boolean;
  /**
   * Compute attention over float16 tensors by subgroup matrices, where the adapter has products of float16 with float32
   * sums: the experimental feature chromium-experimental-subgroup-matrix of Dawn (in Chrome, behind
   * --enable-unsafe-webgpu). `gpu.subgroupMatrices` says whether it does. Default false.
   */
  readonly subgroupMatrices?: boolean;
}

export const gpuOptions: Kinds<GpuOptions> = {
  powerPreference: oneOf("low-power", "high-performance"),
  dawn: listOf(text),
  subgroups: flag,
  subgroupMatrices: flag,
};

/** Dawn's name; unknown to the types of the standard. */
export const MATRIX_FEATURE = "chromium-experimental-subgroup-matrix";

/** What Dawn calls the adapter that checks commands and runs none. */
export const NULL_ADAPTER = "null-backend";

/** Dawn's options with the toggle that experimental features want; it reads one list of toggles. */
function withUnsafeFeatures(options: readonly string[]): readonly string[] {
  const list = "enable-dawn-features=";
  const toggles = options.filter((option) => option.startsWith(list)).map((option) => option.slice(list.length));
  return [...options.filter((option) => !option.startsWith(list)), list + [...toggles, "allow_unsafe_apis"].join()];
}

/** Dawn, or the browser's WebGPU, and how many devices of it live. */
interface Instance {
  readonly gpu: GPU;
  devices: number;
}

// Dawn's Node binding crashes when the object behind a device is collected, and keeps Node alive while it is not. So
// all devices share one for each set of options, and it goes with the last of them.
const instances = new Map<string, Instance>();
const owners = new Map<GPUDevice, string>();

/** Dawn works on in a few turns of the event loop after its last event. A time alone may pass within one turn. */
const REST = { turns: 10, milliseconds: 10 };

async function release(key: string): Promise<void> {
  for (let turn = 0; turn < REST.turns; turn++) await new Promise((resolve) => setTimeout(resolve, REST.milliseconds));
  const instance = instances.get(key);
  if (instance !== undefined && --instance.devices === 0) instances.delete(key);
}

/** Lets go of what keeps Node alive for a device that was destroyed. */
export function releaseInstance(device: GPUDevice): void {
  const key = owners.get(device);
  if (key !== undefined && owners.delete(device)) void release(key);
}

const isNode = (): boolean => typeof process !== "undefined" && process.versions?.node !== undefined;

const platformGpu = (): GPU | undefined => (typeof navigator === "undefined" ? undefined : navigator.gpu);

async function findGpu(options: readonly string[], open: GPU | undefined): Promise<GPU | undefined> {
  if (open !== undefined) return open;
  // Deno has a WebGPU of its own beside what Node has; Dawn's options ask for Dawn.
  const own = platformGpu();
  if (!isNode() || (own !== undefined && options.length === 0)) return own;
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
export async function openDevice({
  powerPreference,
  dawn = [],
  subgroups = true,
  subgroupMatrices = false,
}: GpuOptions): Promise<GPUDevice> {
  const options = subgroupMatrices ? withUnsafeFeatures(dawn) : dawn;
  const key = options.join();
  const found = await findGpu(options, instances.get(key)?.gpu);
  if (found === undefined) throw noAdapter("a browser without WebGPU");
  const instance = instances.get(key) ?? { gpu: found, devices: 0 };
  instances.set(key, instance);
  instance.devices++;
  try {
    const adapter = await instance.gpu.requestAdapter({ powerPreference });
    if (adapter === null) throw noAdapter("none");
    const { limits } = adapter;
    const matrices = subgroupMatrices && adapter.features.has(MATRIX_FEATURE);
    const wanted = [
      "timestamp-query",
      "shader-f16",
      ...(subgroups || matrices ? ["subgroups"] : []),
      ...(matrices ? [MATRIX_FEATURE] : []),
    ];
    const device = await adapter.requestDevice({
      requiredFeatures: wanted.filter((feature) => adapter.features.has(feature)) as GPUFeatureName[],
      requiredLimits: {
        maxBufferSize: limits.maxBufferSize,
        maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
        maxStorageBuffersPerShaderStage: limits.maxStorageBuffersPerShaderStage,
        maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      },
    });
    owners.set(device, key);
    if (instance.gpu !== platformGpu() && describeAdapter(device).kind === "software") softwareDevices.add(device);
    return device;
  } catch (error) {
    void release(key);
    throw error;
  }
}

function noAdapter(got: string): UnsupportedError {
  return new UnsupportedError({
    where: "requestGpu",
    wanted: "a WebGPU adapter",
    got,
    fix: isNode()
      ? "Use the cpu backend, or install a Vulkan driver (Mesa 23 or later has a software one)."
      : "Use the cpu backend, or a browser with WebGPU switched on; pages must come over https or from localhost.",
  });
}

/** The adapter's own name, and whether it is a program. */
export function describeAdapter({ adapterInfo }: GPUDevice): DeviceDescription {
  const { vendor, architecture, device, description } = adapterInfo;
  const name = description || device || [vendor, architecture].filter(Boolean).join(" ") || "unnamed WebGPU adapter";
  const software =
    adapterInfo.isFallbackAdapter || /llvmpipe|lavapipe|swiftshader|basic render|null/i.test(`${name} ${architecture}`);
  return { kind: software ? "software" : "hardware", name };
}

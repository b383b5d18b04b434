import { UnsupportedError } from "../core/errors.js";
import type { Backend, DeviceDescription } from "../core/tensor.js";
import { cpu } from "../cpu/cpu.js";
import { requestGpu } from "../gpu/request.js";

export const backendNames = ["auto", "gpu", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** A backend, one line that names it, and its release. */
export interface ChosenBackend {
  readonly backend: Backend;
  readonly line: string;
  dispose(): void;
}

/** Describes a device in one line; software adapters get their well-known names. */
function describeDevice({ kind, name }: DeviceDescription): string {
  if (kind === "cpu") return "CPU backend (float64)";
  if (kind === "hardware") return `hardware, ${name}`;
  const known = /llvmpipe|lavapipe/i.test(name) ? "lavapipe, " : /swiftshader/i.test(name) ? "SwiftShader, " : "";
  return `${known}software (${name})`;
}

/**
 * The backend that the user asked for; "auto" takes the GPU if there is an adapter.
 *
 * @throws UnsupportedError when "gpu" was asked for and there is no adapter.
 */
export async function chooseBackend(name: BackendName): Promise<ChosenBackend> {
  const onCpu = (reason: string): ChosenBackend => ({
    backend: cpu,
    line: `Adapter: ${describeDevice(cpu.device)}${reason}`,
    dispose: () => undefined,
  });
  if (name === "cpu") return onCpu("");
  try {
    const gpu = await requestGpu();
    return { backend: gpu, line: `Adapter: ${describeDevice(gpu.device)}`, dispose: () => gpu.dispose() };
  } catch (error) {
    if (name === "auto" && error instanceof UnsupportedError) return onCpu(", no WebGPU adapter");
    throw error;
  }
}

import type { Faults } from "./faults.js";
import { link } from "./link.js";
import { labelOf, type Pass } from "./pass.js";
import type { Programs } from "./programs.js";

/** Pipelines that a device compiles at a time; it has a thread for each, or lets them wait. */
const IN_FLIGHT = 8;

/**
 * Makes the programs of these passes that are not there yet, several at a time, while the caller goes on.
 *
 * Rejects with the first error; the programs that were made by then stay.
 */
export async function prepare(
  device: GPUDevice,
  faults: Faults,
  programs: Programs,
  passes: readonly Pass[],
  progress: (done: number, total: number) => void,
): Promise<void> {
  const missing = new Map<string, Pass>();
  for (const pass of passes) {
    const key = programs.missing(pass);
    if (key !== undefined) missing.set(key, pass);
  }
  const rest = missing.values();
  let done = 0;
  let failed: { readonly reason: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (const pass of rest) {
      if (failed !== undefined) return;
      try {
        programs.add(pass, await compile(device, faults, programs, pass));
        progress(++done, missing.size);
      } catch (reason) {
        failed ??= { reason };
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  if (failed !== undefined) throw failed.reason;
}

async function compile(device: GPUDevice, faults: Faults, programs: Programs, pass: Pass): Promise<GPUComputePipeline> {
  const { code, locate } = link(pass);
  const label = labelOf(pass);
  const { made: module, outcome } = faults.make(label, (outcome) => {
    const module = device.createShaderModule({ label, code });
    faults.watchModule(outcome, module, locate);
    return module;
  });
  try {
    return await device.createComputePipelineAsync({
      label,
      layout: programs.layoutOf(pass).pipeline,
      compute: { module, entryPoint: "main" },
    });
  } catch (reason) {
    await faults.conclude();
    const error = outcome.error ?? (await faults.explain(`gpu: ${label}: ${String(reason)}`));
    throw faults.tell(error);
  }
}

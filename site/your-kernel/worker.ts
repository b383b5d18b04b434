import { defineKernel, gradcheckKernel, requestGpu, type Gpu, type GradcheckKernelReport } from "attention-kernels";
import type { KernelDefinition, KernelFunctionReport } from "attention-kernels";

/** What the page shows of a text. */
export type Verdict =
  | {
      readonly kind: "report";
      readonly passed: boolean;
      readonly hasGpu: boolean;
      readonly functions: KernelFunctionReport[];
    }
  | { readonly kind: "failed"; readonly reason: string };

/** A device, where the browser has one. */
const device: Promise<Gpu | undefined> = requestGpu().catch(() => undefined);

async function judged(text: string): Promise<Verdict> {
  // the text is what the reader typed into the page, and runs in this worker alone
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  const definition = (new Function(`"use strict"; return ${text}`) as () => KernelDefinition)();
  const kernel = defineKernel(definition);
  const gpu = await device;
  const { passed, functions }: GradcheckKernelReport = await gradcheckKernel(kernel, gpu ? { gpu } : {});
  return { kind: "report", passed, hasGpu: gpu !== undefined, functions: [...functions] };
}

onmessage = async ({ data }: MessageEvent<string>) => {
  try {
    postMessage(await judged(data));
  } catch (error) {
    postMessage({ kind: "failed", reason: error instanceof Error ? error.message : String(error) } satisfies Verdict);
  }
};

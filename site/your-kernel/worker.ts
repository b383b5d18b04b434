import { defineKernel, gradcheckKernel, requestGpu, type Gpu, type GradcheckKernelReport } from "attention-kernels";
import type { KernelDefinition, KernelFunctionReport } from "attention-kernels";
import { answer } from "../kit/answer.js";

/** What the page shows of a text. */
export interface Verdict {
  readonly kind: "report";
  readonly passed: boolean;
  readonly hasGpu: boolean;
  readonly functions: KernelFunctionReport[];
}

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

answer<string, Verdict>(async (text, post) => post(await judged(text)));

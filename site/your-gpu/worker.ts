import { requestGpu } from "attention-kernels";
import { ratesOf } from "../../bench/rates.mjs";
import { answer, reasonOf } from "../kit/answer.js";
import { measured } from "./bench.js";
import type { Message, Rates } from "./messages.js";
import type { Task } from "./settings.js";

/** The rates of a device of its own. */
async function rates(runs: number): Promise<Rates> {
  const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
  try {
    return await ratesOf(device, { runs });
  } finally {
    device.destroy();
  }
}

answer<Task, Message>(async (task, post) => {
  post({ kind: "now", what: "Asking for a device" });
  const gpu = await requestGpu();
  post({ kind: "device", name: gpu.device.name, device: gpu.device.kind, timestamps: gpu.hasTimestamps });
  let limits: Rates | null = null;
  if (task.roofline) {
    post({ kind: "now", what: "Measuring copies and multiply-adds" });
    limits = await rates(task.runs);
    post({ kind: "rates", rates: limits });
  }
  for (const kernel of task.kernels) {
    post({ kind: "now", what: `Checking and timing ${kernel}` });
    try {
      post({ kind: "row", row: await measured(gpu, kernel, task, limits) });
    } catch (error) {
      post({ kind: "row", row: { kernel, error: NaN, failed: reasonOf(error) } });
    }
  }
  gpu.dispose();
  post({ kind: "end" });
});

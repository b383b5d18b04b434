import type { Failed } from "../kit/workers.js";
import { dissect, sampleModel, type Event } from "./dissect.js";
import { modelOf } from "./files.js";
import type { Task } from "./settings.js";

const post = (message: Event | Failed | { readonly kind: "end" }): void => postMessage(message);

onmessage = async ({ data: { files, sample, ...options } }: MessageEvent<Task>) => {
  try {
    const model = files.length === 0 ? sampleModel(sample) : await modelOf(files);
    await dissect({ ...model, ...options }, post);
    post({ kind: "end" });
  } catch (error) {
    post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};

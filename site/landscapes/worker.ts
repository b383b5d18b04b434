import type { Failed } from "../kit/workers.js";
import { landscape, type Found } from "./landscape.js";
import type { Task } from "./settings.js";

/** A kernel's picture, or the end. */
export type Message = { readonly kind: "found"; readonly found: Found } | { readonly kind: "end" };

const post = (message: Message | Failed): void => postMessage(message);

onmessage = async ({ data }: MessageEvent<Task>) => {
  try {
    await landscape(data, (found) => post({ kind: "found", found }));
    post({ kind: "end" });
  } catch (error) {
    post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};

import { landscape, type Found } from "./landscape.js";
import type { Task } from "./settings.js";

/** A kernel's picture, the end, or why there is none. */
export type Message = { readonly found: Found } | { readonly done: true } | { readonly failed: string };

const post = (message: Message): void => postMessage(message);

onmessage = async ({ data }: MessageEvent<Task>) => {
  try {
    await landscape(data, (found) => post({ found }));
    post({ done: true });
  } catch (error) {
    post({ failed: error instanceof Error ? error.message : String(error) });
  }
};

import { see } from "./see.js";
import type { Question } from "./settings.js";

onmessage = async ({ data }: MessageEvent<Question>) => {
  try {
    postMessage({ seen: await see(data) });
  } catch (error) {
    postMessage({ failed: error instanceof Error ? error.message : String(error) });
  }
};

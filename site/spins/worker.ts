import type { Failed } from "../kit/workers.js";
import { exactEnergy, learn, type Step } from "./learn.js";
import type { Task } from "./settings.js";

/** An optimisation, or the exact energy. */
export type Question = Task | { readonly kernel: null; readonly j2: number };
export type Message =
  | { readonly kind: "exact"; readonly energy: number }
  | { readonly kind: "step"; readonly step: Step }
  | { readonly kind: "end" };

const post = (message: Message | Failed): void => postMessage(message);

onmessage = async ({ data }: MessageEvent<Question>) => {
  try {
    if (data.kernel === null) post({ kind: "exact", energy: exactEnergy(data.j2) });
    else await learn(data, (step) => post({ kind: "step", step }));
    post({ kind: "end" });
  } catch (error) {
    post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};

import type { ConvergenceReport } from "attention-kernels";
import type { CertifiedPath, LossCurve } from "attention-kernels/theory";
import type { Task } from "./settings.js";

/** What a run tells on the way: first what is known before it, then every loss. */
export type Event =
  | { readonly report: ConvergenceReport; readonly stepSize: number; readonly curve: LossCurve }
  | { readonly loss: number; readonly step: number; readonly isLast: boolean };

export function descent(
  task: Task,
  follow?: (event: Event) => void,
): Promise<{ report: ConvergenceReport; stepSize: number; curve: LossCurve; path: CertifiedPath }>;

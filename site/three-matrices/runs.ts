import { onUnmounted, shallowRef, type ShallowRef } from "vue";
import type { End, Message, Start } from "./messages.js";
import { taskOf, type KernelName, type Settings } from "./settings.js";

/** A kernel's run as far as it is known. */
export interface Run {
  readonly kernel: KernelName;
  readonly losses: readonly number[];
  readonly start?: Start;
  readonly end?: End;
  readonly failed?: string;
}

/** Trains every chosen kernel in a worker of its own. */
export function useRuns(): {
  readonly runs: ShallowRef<readonly Run[]>;
  readonly restart: (settings: Settings) => void;
} {
  const runs = shallowRef<readonly Run[]>([]);
  let workers: Worker[] = [];
  const stop = (): void => workers.forEach((worker) => worker.terminate());
  onUnmounted(stop);
  return {
    runs,
    restart(settings) {
      stop();
      runs.value = settings.kernels.map((kernel) => ({ kernel, losses: [] }));
      workers = settings.kernels.map((kernel, index) => {
        const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
        const change = (change: (run: Run) => Partial<Run>): void => {
          runs.value = runs.value.map((run, other) => (other === index ? { ...run, ...change(run) } : run));
        };
        worker.onmessage = ({ data }: MessageEvent<Message>) => {
          if (data.kind === "start") change(() => ({ start: data.start }));
          else if (data.kind === "losses") change(({ losses }) => ({ losses: losses.concat(data.losses) }));
          else if (data.kind === "end") change(() => ({ end: data.end }));
          else change(() => ({ failed: data.reason }));
        };
        worker.onerror = ({ message }) => change(() => ({ failed: message }));
        worker.postMessage(taskOf(settings, kernel));
        return worker;
      });
    },
  };
}

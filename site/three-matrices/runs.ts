import { shallowRef, type ShallowRef } from "vue";
import { useWorkers, type Failed } from "../kit/workers.js";
import type { End, Message, Start } from "./messages.js";
import { taskOf, type KernelName, type Settings, type Task } from "./settings.js";

/** A kernel's run as far as it is known. */
export interface Run {
  readonly kernel: KernelName;
  readonly losses: readonly number[];
  readonly start?: Start;
  readonly end?: End;
  readonly failed?: string;
}

function after(run: Run, message: Message | Failed): Run {
  if (message.kind === "start") return { ...run, start: message.start };
  if (message.kind === "losses") return { ...run, losses: run.losses.concat(message.losses) };
  if (message.kind === "end") return { ...run, end: message.end };
  return { ...run, failed: message.reason };
}

/** Trains every chosen kernel in a worker of its own. */
export function useRuns(): {
  readonly runs: ShallowRef<readonly Run[]>;
  readonly restart: (settings: Settings) => void;
} {
  const runs = shallowRef<readonly Run[]>([]);
  const workers = useWorkers<Task, Message>(
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
  );
  return {
    runs,
    restart(settings) {
      runs.value = settings.kernels.map((kernel) => ({ kernel, losses: [] }));
      const tasks = settings.kernels.map((kernel) => taskOf(settings, kernel));
      workers.start(tasks, (message, task) => {
        runs.value = runs.value.map((run, index) => (index === task ? after(run, message) : run));
      });
    },
  };
}

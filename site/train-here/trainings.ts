import { shallowRef, type ShallowRef } from "vue";
import { useWorkers, type Failed } from "../kit/workers.js";
import type { Message, Shown } from "./messages.js";
import type { Task } from "./settings.js";
import type { Record } from "./train.js";

/** A training as far as it is known. */
export interface Run {
  readonly kernel: string;
  readonly losses: readonly number[];
  readonly records: readonly Record[];
  readonly device?: string;
  readonly shown?: readonly Shown[];
  readonly isDone?: boolean;
  readonly failed?: string;
}

function after(run: Run, message: Message | Failed): Run {
  if (message.kind === "start") return { ...run, device: message.device, shown: message.shown };
  if (message.kind === "losses") return { ...run, losses: run.losses.concat(message.losses) };
  if (message.kind === "record") return { ...run, records: run.records.concat(message.record) };
  if (message.kind === "end") return { ...run, isDone: true };
  return { ...run, failed: message.reason };
}

/** Trains kernels, each in a worker of its own. */
export function useTrainings(): {
  readonly runs: ShallowRef<readonly Run[]>;
  readonly begin: (tasks: readonly Task[]) => void;
  readonly stop: () => void;
} {
  const runs = shallowRef<readonly Run[]>([]);
  const workers = useWorkers<Task, Message>(
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
  );
  return {
    runs,
    stop: workers.stop,
    begin(tasks) {
      runs.value = tasks.map(({ training: { kernel } }) => ({ kernel, losses: [], records: [] }));
      workers.start(tasks, (message, task) => {
        runs.value = runs.value.map((run, index) => (index === task ? after(run, message) : run));
      });
    },
  };
}

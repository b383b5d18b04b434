import { computed, shallowRef, type ComputedRef } from "vue";
import { useWork } from "../kit/work.js";
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

/** Trains two kernels, each in a worker of its own. */
export function useTrainings(): {
  readonly runs: ComputedRef<readonly Run[]>;
  readonly begin: (tasks: readonly Task[]) => void;
  readonly stop: () => void;
} {
  const places = [0, 1].map(() => {
    const run = shallowRef<Run>();
    const change = (part: Partial<Run>): void => void (run.value = { ...run.value!, ...part });
    const work = useWork<Task, Message>(
      () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
      (message) => {
        const { losses, records } = run.value!;
        if (message.kind === "start") change({ device: message.device, shown: message.shown });
        else if (message.kind === "losses") change({ losses: losses.concat(message.losses) });
        else if (message.kind === "record") change({ records: records.concat(message.record) });
        else if (message.kind === "end") change({ isDone: true });
        else change({ failed: message.reason });
      },
      (failed) => change({ failed }),
    );
    return { run, work };
  });
  return {
    runs: computed(() => places.flatMap(({ run }) => run.value ?? [])),
    begin(tasks) {
      tasks.forEach((task, place) => {
        places[place].run.value = { kernel: task.training.kernel, losses: [], records: [] };
        places[place].work.begin(task);
      });
    },
    stop: () => places.forEach(({ work }) => work.stop()),
  };
}

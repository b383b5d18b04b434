import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { useWorkers } from "../kit/workers.js";
import type { Step } from "./learn.js";
import { taskOf, type KernelName, type Settings } from "./settings.js";
import type { Message, Question } from "./worker.js";

/** A kernel's optimisation as far as it is known. */
export interface Run {
  readonly kernel: KernelName;
  readonly steps: readonly Step[];
  readonly isDone: boolean;
  readonly failed?: string;
}

/** Optimises a wave function with every chosen kernel, and finds the exact energy, each in a worker of its own. */
export function useRuns(): {
  readonly runs: ShallowRef<readonly Run[]>;
  readonly exact: Ref<number | undefined>;
  readonly failed: Ref<string>;
  readonly restart: (settings: Settings) => void;
} {
  const runs = shallowRef<readonly Run[]>([]);
  const exact = ref<number>();
  const failed = ref("");
  const workers = useWorkers<Question, Message>(
    () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
  );
  return {
    runs,
    exact,
    failed,
    restart(settings) {
      exact.value = undefined;
      failed.value = "";
      runs.value = settings.kernels.map((kernel) => ({ kernel, steps: [], isDone: false }));
      const tasks = settings.kernels.map((kernel) => taskOf(settings, kernel));
      workers.start([...tasks, { kernel: null, j2: settings.j2 }], (message, task) => {
        const change = (own: (run: Run) => Partial<Run>): void => {
          runs.value = runs.value.map((run, index) => (index === task ? { ...run, ...own(run) } : run));
        };
        if (message.kind === "exact") exact.value = message.energy;
        else if (message.kind === "step") change(({ steps }) => ({ steps: [...steps, message.step] }));
        else if (message.kind === "end") change(() => ({ isDone: true }));
        else if (task === tasks.length) failed.value = message.reason;
        else change(() => ({ failed: message.reason, isDone: true }));
      });
    },
  };
}

import { onUnmounted } from "vue";

/** What a worker says when it cannot go on. */
export interface Failed {
  readonly kind: "failed";
  readonly reason: string;
}

/** Workers of a page; they end with the next start, and with the page. */
export interface Workers<Task, Message> {
  /** Gives each task to a worker of its own. `take` gets what they say, with the number of the task. */
  readonly start: (tasks: readonly Task[], take: (message: Message | Failed, task: number) => void) => void;
  readonly stop: () => void;
}

/**
 * Workers that compute beside each other.
 *
 * @param make starts one
 */
export function useWorkers<Task, Message>(make: () => Worker): Workers<Task, Message> {
  let workers: Worker[] = [];
  const stop = (): void => {
    workers.forEach((worker) => worker.terminate());
    workers = [];
  };
  onUnmounted(stop);
  return {
    stop,
    start(tasks, take) {
      stop();
      workers = tasks.map((task, index) => {
        const worker = make();
        worker.onmessage = ({ data }: MessageEvent<Message | Failed>) => take(data, index);
        worker.onerror = ({ message }) => take({ kind: "failed", reason: message }, index);
        worker.postMessage(task);
        return worker;
      });
    },
  };
}

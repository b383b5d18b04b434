import { onUnmounted } from "vue";

/** A worker that is at work on one task at a time. */
export interface Work<Task> {
  /** Ends what is under way, and begins anew. */
  readonly begin: (task: Task) => void;
  readonly stop: () => void;
}

/**
 * A worker whose messages go to `take`, and whose failures go to `fail`. Settings that are proxies are copied.
 *
 * @param make starts the worker
 * @param take what to do with a message
 * @param fail what to do with a failure outside the worker's own code
 */
export function useWork<Task, Message>(
  make: () => Worker,
  take: (message: Message) => void,
  fail: (reason: string) => void,
): Work<Task> {
  let worker: Worker | undefined;
  const stop = (): void => worker?.terminate();
  onUnmounted(stop);
  return {
    stop,
    begin(task) {
      stop();
      worker = make();
      worker.onmessage = ({ data }: MessageEvent<Message>) => take(data);
      worker.onerror = ({ message }) => fail(message);
      worker.postMessage(JSON.parse(JSON.stringify(task)));
    },
  };
}

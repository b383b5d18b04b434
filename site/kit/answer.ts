import type { Failed } from "./workers.js";

/** What went wrong, in words. @param error what was thrown */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Makes a worker do its tasks; what is thrown is the last that the page hears.
 *
 * @param work does one, and posts what it finds
 */
export function answer<Task, Message>(work: (task: Task, post: (message: Message) => void) => Promise<void>): void {
  const post = (message: Message | Failed): void => postMessage(message);
  onmessage = async ({ data }: MessageEvent<Task>) => {
    try {
      await work(data, post);
    } catch (error) {
      post({ kind: "failed", reason: reasonOf(error) });
    }
  };
}

/** Milliseconds between two messages with losses. */
const PAUSE = 80;

/** Losses that wait for the next message. */
export interface Losses {
  readonly add: (loss: number) => void;
  /** Sends those that wait. */
  readonly flush: () => void;
}

/**
 * Gathers losses, as a message for each would keep the page from drawing.
 *
 * @param post sends some
 */
export function gatherLosses(post: (losses: number[]) => void): Losses {
  let losses: number[] = [];
  let sent = 0;
  const flush = (): void => {
    post(losses);
    losses = [];
    sent = performance.now();
  };
  return {
    flush,
    add(loss) {
      losses.push(loss);
      if (performance.now() - sent > PAUSE) flush();
    },
  };
}

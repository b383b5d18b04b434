import { ArgumentError } from "../core/errors.js";
import type { Faults } from "./faults.js";
import type { Queue } from "./queue.js";
import { Timer, type PassTime } from "./timer.js";

/** The result of a profiled function, and the device time of its passes. */
export interface Profile<Result> {
  readonly result: Result;
  readonly passes: readonly PassTime[];
}

/** Runs `body` with a timer in the queue, and waits for what it timed. */
export async function profile<Result>(
  device: GPUDevice,
  faults: Faults,
  queue: Queue,
  body: () => Result,
): Promise<Profile<Result>> {
  const timer = new Timer(device, faults);
  queue.timer = timer;
  try {
    const result = body();
    queue.timer = undefined;
    if (result instanceof Promise) {
      throw new ArgumentError({
        where: "gpu.profile",
        argument: "body",
        wanted: "a synchronous function",
        got: "one that returns a promise",
        fix: "Await read() outside of it.",
      });
    }
    await queue.recorded;
    queue.flush();
    await faults.conclude();
    faults.throwUntold();
    return { result, passes: await timer.times() };
  } finally {
    queue.timer = undefined;
    await queue.recorded;
    if (!queue.destroyed) queue.flush();
    timer.destroy();
  }
}

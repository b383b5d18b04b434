import { ArgumentError } from "../core/errors.js";
import type { Faults } from "./faults.js";
import { prepare } from "./prepare.js";
import type { Queue, Rehearsal } from "./queue.js";

/** How many of the pipelines that `gpu.warmUp` compiles are done. */
export interface WarmUpProgress {
  readonly done: number;
  readonly total: number;
}

/** Options of `gpu.warmUp`. */
export interface WarmUpOptions {
  /** Called after every pipeline. */
  readonly onProgress?: (progress: WarmUpProgress) => void;
}

/** Why tensors of a rehearsal cannot be read. */
const withoutNumbers = (): ArgumentError =>
  new ArgumentError({
    where: "gpu.warmUp",
    wanted: "a function whose tensors are used in it alone",
    got: "a tensor that it made, which has no numbers, because nothing was computed",
    fix: "Call the function again after await gpu.warmUp(...).",
  });

/** Rehearses `body`, and compiles what it would have run. */
export async function warmUp(
  device: GPUDevice,
  faults: Faults,
  queue: Queue,
  scope: <Result>(body: () => Result) => Result,
  body: () => unknown,
  onProgress: WarmUpOptions["onProgress"],
): Promise<void> {
  const error = withoutNumbers();
  const rehearsal: Rehearsal = { passes: [], outcome: { error, open: false, causes: [], batch: -1 } };
  let result: unknown;
  queue.rehearsal = rehearsal;
  try {
    scope(() => void (result = body()));
  } finally {
    queue.rehearsal = undefined;
  }
  if (result instanceof Promise) await checkEndsWithRead(result, error);
  await prepare(device, faults, queue.programs, rehearsal.passes, (done, total) => onProgress?.({ done, total }));
}

/** Refuses a promise that did not end with a read in the rehearsal: what comes after an await is not rehearsed. */
async function checkEndsWithRead(promise: Promise<unknown>, error: ArgumentError): Promise<void> {
  try {
    await promise;
  } catch (reason) {
    if (reason === error) return;
    throw reason;
  }
  throw new ArgumentError({
    where: "gpu.warmUp",
    argument: "body",
    wanted: "a synchronous function, or one that awaits nothing before the first read()",
    got: "one that returns a promise of something else",
    fix: "Leave await out of it: nothing after an await is rehearsed.",
  });
}

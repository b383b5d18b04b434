import { expect, vi } from "vitest";
import { ops } from "../../src/index.js";
import { gpuIt } from "../support/gpu.js";

/** Turns of the event loop until `work` is done, and those that slept. */
async function turnsWhile(work: Promise<unknown>): Promise<{ turns: number; sleeps: number }> {
  const wait = vi.spyOn(Atomics, "wait");
  let [turns, isOver] = [0, false];
  const end = (): boolean => (isOver = true);
  work.then(end, end);
  while (!isOver) {
    await new Promise(setImmediate);
    turns++;
  }
  const sleeps = wait.mock.calls.length;
  wait.mockRestore();
  await work;
  return { turns, sleeps };
}

gpuIt("while a software adapter computes, every turn of the event loop sleeps once", async (gpu) => {
  const x = gpu.full(1e-3, [256, 256]);
  const wait = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++) await gpu.scope(() => ops.matmul(x, x)).read();
    for (let time = 0; time < times; time++) {
      ops.matmul(x, x).dispose();
      await gpu.finish();
    }
  };
  await wait(1); // compiles
  const { turns, sleeps } = await turnsWhile(wait(20));
  if (gpu.device.kind === "hardware") expect(sleeps).toBe(0);
  else {
    expect(sleeps).toBeLessThanOrEqual(turns + 1);
    // Turns in which one of the 40 waits begins or ends need not sleep.
    expect(turns - sleeps).toBeLessThan(120);
    expect(sleeps).toBeGreaterThan(40);
  }
});

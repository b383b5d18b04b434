import { expect } from "vitest";
import { ops } from "../../src/index.js";
import { gpuIt } from "../support/gpu.js";

/** Turns of the event loop in a millisecond of a wait. */
async function turnsWhile(wait: Promise<unknown>): Promise<number> {
  const began = performance.now();
  let [turns, isOver] = [0, false];
  const end = (): boolean => (isOver = true);
  void wait.then(end, end);
  while (!isOver) {
    await new Promise(setImmediate);
    turns++;
  }
  return turns / (performance.now() - began);
}

gpuIt("while a software adapter computes, the event loop sleeps", async (gpu) => {
  const x = gpu.full(1e-3, [768, 768]);
  const multiply = () => ops.matmul(ops.matmul(x, x), ops.matmul(x, x));
  await multiply().read(); // compiles
  const reading = await turnsWhile(multiply().read());
  multiply();
  const finishing = await turnsWhile(gpu.finish());
  // Hardware needs no processor.
  if (gpu.device.kind === "software") for (const turns of [reading, finishing]) expect(turns).toBeLessThan(10);
});

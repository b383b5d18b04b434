/** Milliseconds that the event loop sleeps at a time, at most. */
const LONGEST = 1;
/** Sleep as a part of the wait so far, so that short waits stay short. */
const PART = 1 / 8;

/** The devices of software adapters in Dawn's binding for Node. */
export const softwareDevices = new WeakSet<GPUDevice>();

const awaited = new Set<Promise<unknown>>();
/** When the first of them was given. */
let began = 0;
/** Whether the next turn of the event loop sleeps. */
let isDue = false;
/** Browsers may have no shared memory. */
let cell: Int32Array<SharedArrayBuffer> | undefined;

function sleep(): void {
  isDue = awaited.size > 0;
  if (!isDue) return;
  cell ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(cell, 0, 0, Math.min(LONGEST, PART * (performance.now() - began)));
  setImmediate(sleep);
}

/**
 * Leaves the processor to the device while it is awaited; returns what was given.
 *
 * Dawn's binding for Node polls the device in every turn of the event loop. That takes a whole core, which a software
 * adapter could compute with. So while a device like that is awaited, every turn sleeps for up to a millisecond. On two
 * cores a training step then takes two thirds of the time.
 */
export function idleUntil<Result>(device: GPUDevice, settled: Promise<Result>): Promise<Result> {
  if (!softwareDevices.has(device)) return settled;
  const done = (): boolean => awaited.delete(settled);
  settled.then(done, done);
  if (awaited.size === 0) began = performance.now();
  awaited.add(settled);
  if (!isDue) setImmediate(sleep);
  isDue = true;
  return settled;
}

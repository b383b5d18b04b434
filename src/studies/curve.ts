/** Steps up to `dense` that a curve keeps, all of them. */
const DENSE = 40;

/**
 * The steps of a run of `length` losses that a curve keeps: every one up to `dense`, then half as many as that in each doubling, and the last.
 * A logarithmic axis is so filled evenly.
 */
export function keptSteps(length: number, dense = DENSE): number[] {
  return Array.from({ length }, (_, step) => step).filter((step) => step === length - 1 || step % 2 ** Math.max(0, Math.ceil(Math.log2((step + 1) / dense))) === 0);
}

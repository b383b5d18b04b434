/** Default of `dense`. */
const DENSE = 40;

/**
 * The steps that the curve of a run of `length` losses keeps: all up to `dense`, then `dense`/2 in each doubling, and
 * the last. They fill a logarithmic axis evenly.
 */
export function keptSteps(length: number, dense = DENSE): number[] {
  return Array.from({ length }, (_, step) => step).filter(
    (step) => step === length - 1 || step % 2 ** Math.max(0, Math.ceil(Math.log2((step + 1) / dense))) === 0,
  );
}

/** What an independent program measured once for one kernel: the median of C, and the runs of six that converged. */
interface ReferenceCell {
  readonly nonlinearity: number;
  readonly converged: number;
}

/** One choice of scales: W^V, and W^Q and W^K. */
export interface ReferenceRow {
  readonly value: number;
  readonly queryKey: number;
  readonly cells: Readonly<Record<string, ReferenceCell>>;
}

const row = (value: number, queryKey: number, softmax: readonly [number, number], gaussian: readonly [number, number]): ReferenceRow => ({
  value,
  queryKey,
  cells: { softmax: { nonlinearity: softmax[0], converged: softmax[1] }, gaussian: { nonlinearity: gaussian[0], converged: gaussian[1] } },
});

/**
 * Query-only gradient descent, H = 2, N = 2, n = 3, D = d = 8, ‖r_0‖ = 1, six seeds, float64: draws, scale of W^O, number of steps, tolerance and the
 * way to L_J are not on record, so that the order of the rows compares and the single numbers do not.
 */
export const reference: readonly ReferenceRow[] = [
  row(0.3, 0.5, [190, 1], [49, 2]),
  row(1, 0.5, [58, 3], [15, 5]),
  row(3, 0.5, [19, 4], [4.9, 6]),
  row(10, 0.5, [5.8, 5], [1.5, 6]),
  row(1, 1.5, [1e4, 0], [4e7, 0]),
];

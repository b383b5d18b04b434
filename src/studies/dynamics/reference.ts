/** Measurements of an independent program for one kernel. */
interface ReferenceCell {
  /** Median of T2's constant C. */
  readonly nonlinearity: number;
  /** Converged runs of six. */
  readonly converged: number;
}

/** The reference for one choice of scales. */
export interface ReferenceRow {
  /** Scale of W^V. */
  readonly value: number;
  /** Scale of W^Q and W^K. */
  readonly queryKey: number;
  readonly cells: Readonly<Record<string, ReferenceCell>>;
}

const row = (
  value: number,
  queryKey: number,
  softmax: readonly [number, number],
  gaussian: readonly [number, number],
): ReferenceRow => ({
  value,
  queryKey,
  cells: {
    softmax: { nonlinearity: softmax[0], converged: softmax[1] },
    gaussian: { nonlinearity: gaussian[0], converged: gaussian[1] },
  },
});

/**
 * Query-only gradient descent, H = 2, N = 2, n = 3, D = d = 8, ‖r_0‖ = 1, six seeds, float64. Draws, scale of W^O,
 * number of steps, tolerance and the computation of L_J are not on record, so only the order of the rows is comparable,
 * not the single numbers.
 */
export const reference: readonly ReferenceRow[] = [
  row(0.3, 0.5, [190, 1], [49, 2]),
  row(1, 0.5, [58, 3], [15, 5]),
  row(3, 0.5, [19, 4], [4.9, 6]),
  row(10, 0.5, [5.8, 5], [1.5, 6]),
  row(1, 1.5, [1e4, 0], [4e7, 0]),
];

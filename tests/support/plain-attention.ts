/** Numbers as nested rows: [batch][heads][n][d], or [rows][columns]. */
export type Rows = readonly (readonly number[])[];
export type Heads = readonly (readonly Rows[])[];

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function softmaxOf(values: readonly number[]): number[] {
  const top = Math.max(...values);
  const weights = values.map((value) => Math.exp(value - top));
  return weights.map((weight) => weight / sum(weights));
}

export const times = (a: Rows, b: Rows): number[][] =>
  a.map((row) => b[0].map((_, column) => sum(row.map((value, inner) => value * b[inner][column]))));

/** Where a score is: batch entry, head, query and key. */
export type Place = readonly [batch: number, head: number, i: number, j: number];

/** What PyTorch's FlexAttention takes: `score_mod` and `mask_mod`. */
export interface Changes {
  readonly scale?: number;
  readonly score?: (score: number, ...place: Place) => number;
  readonly sees?: (...place: Place) => boolean;
}

/** The scores of attention as plain loops; -Infinity where a query does not see a key. */
export function plainScores(q: Heads, k: Heads, { scale, score, sees }: Changes = {}): number[][][][] {
  const factor = scale ?? 1 / Math.sqrt(q[0][0][0].length);
  return q.map((entry, b) =>
    entry.map((rows, h) => {
      const keys = k[b][Math.floor((h * k[b].length) / entry.length)];
      return rows.map((row, i) =>
        keys.map((key, j) => {
          if (sees && !sees(b, h, i, j)) return -Infinity;
          const product = factor * sum(row.map((value, c) => value * key[c]));
          return score ? score(product, b, h, i, j) : product;
        }),
      );
    }),
  );
}

/** Scaled dot-product attention as plain loops. */
export function plainAttention(q: Heads, k: Heads, v: Heads, changes: Changes = {}): number[][][][] {
  return plainScores(q, k, changes).map((entry, b) =>
    entry.map((rows, h) =>
      times(
        rows.map((scores) => (Math.max(...scores) === -Infinity ? scores.map(() => 0) : softmaxOf(scores))),
        v[b][Math.floor((h * v[b].length) / entry.length)],
      ),
    ),
  );
}

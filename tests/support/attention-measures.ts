import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/** Sequences, tokens, width and heads of the layer. */
export const [batch, n, width, heads] = [3, 6, 8, 2];
export const dim = width / heads;

export const columns = (matrix: Matrix, head: number): Matrix =>
  matrix.subMatrix(0, width - 1, head * dim, (head + 1) * dim - 1);

/** Extreme singular values as roots of the eigenvalues of the smaller Gram matrix. */
export function extremes(matrix: Matrix): { largest: number; smallest: number } {
  const gram = matrix.rows < matrix.columns ? matrix.mmul(matrix.transpose()) : matrix.transpose().mmul(matrix);
  const values = new EigenvalueDecomposition(gram, { assumeSymmetric: true }).realEigenvalues;
  return { largest: Math.sqrt(Math.max(...values)), smallest: Math.sqrt(Math.max(0, Math.min(...values))) };
}

/** Tokens, maps [head][sequence], values and output of a layer, from matrices of one head after the other. */
export function work(
  after: Readonly<Record<string, Matrix>>,
  x: readonly number[],
  weight: (q: readonly number[], k: readonly number[]) => number,
  normalized: boolean,
  isCausal: boolean,
) {
  const tokens = Array.from(
    { length: batch },
    (_, b) => new Matrix(Array.from({ length: n }, (__, i) => x.slice((b * n + i) * width, (b * n + i + 1) * width))),
  );
  const maps = Array.from({ length: heads }, (_, h) =>
    tokens.map((own) => {
      const [q, k] = [own.mmul(columns(after.query, h)), own.mmul(columns(after.key, h))];
      return Array.from({ length: n }, (__, i) => {
        const row = Array.from({ length: n }, (___, j) => (isCausal && j > i ? 0 : weight(q.getRow(i), k.getRow(j))));
        const sum = row.reduce((a, b) => a + b);
        return normalized ? row.map((value) => value / sum) : row;
      });
    }),
  );
  const values = Array.from({ length: heads }, (_, h) => tokens.map((own) => own.mmul(columns(after.value, h))));
  const attended = tokens.map((_, b) => {
    const mixed = maps.map((own, h) => new Matrix(own[b]).mmul(values[h][b]));
    return new Matrix(Array.from({ length: n }, (__, i) => mixed.flatMap((part) => part.getRow(i)))).mmul(after.output);
  });
  return { tokens, maps, values, attended };
}

export const entropyOf = (row: readonly number[]): number => {
  const sum = row.reduce((a, b) => a + b);
  const seen = row.length;
  return row.reduce((h, w) => h - (w === 0 ? 0 : (w / sum) * Math.log(w / sum)), 0) / Math.log(seen);
};
export const meanOf = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

export const pairs = (count: number): [number, number][] =>
  Array.from({ length: count }, (_, i) => Array.from({ length: i }, (__, j): [number, number] => [i, j])).flat();

/** Σ Var / Σ mean² over all pairs of these heads, maps [head][sequence][query][key]. */
export function dependenceOf(maps: readonly (readonly (readonly (readonly number[])[])[])[]): number {
  let [variance, squares] = [0, 0];
  for (const own of maps)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        const mean = meanOf(own.map((map) => map[i][j]));
        variance += meanOf(own.map((map) => (map[i][j] - mean) ** 2));
        squares += mean ** 2;
      }
  return variance / squares;
}

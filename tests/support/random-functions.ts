import { ops, valueAndGrad, type Tensor } from "../../src/index.js";

/** All tensors are [4, 4] with numbers of at most one. */
export const N = 4;
export const SHAPE = [N, N] as const;
/** What one step adds in float32. */
export const ROUNDING = 2 ** -19;

export type Numbers = Float64Array;
const map2 = (a: Numbers, b: Numbers, f: (x: number, y: number) => number): Numbers => a.map((x, at) => f(x, b[at]));

/** A function of two tensors, in the library and in plain float64, and by how much it may stretch an error of each. */
interface Function2 {
  readonly run: (a: Tensor, b: Tensor) => Tensor;
  readonly plain: (a: Numbers, b: Numbers) => Numbers;
  readonly stretch: readonly [number, number];
}

const product = (a: Numbers, b: Numbers): Numbers =>
  a.map((_, at) => {
    let sum = 0;
    for (let k = 0; k < N; k++) sum += a[Math.floor(at / N) * N + k] * b[k * N + (at % N)];
    return sum / N;
  });
const rowsOf = (a: Numbers, f: (row: Numbers) => Numbers): Numbers =>
  Float64Array.from([0, 1, 2, 3].flatMap((row) => [...f(a.subarray(row * N, (row + 1) * N))]));
const softmaxRow = (row: Numbers): Numbers => {
  const powers = row.map(Math.exp);
  const total = powers.reduce((x, y) => x + y, 0);
  return powers.map((power) => power / total);
};

export const functions: Readonly<Record<string, Function2>> = {
  tanh: { run: (a) => ops.tanh(a), plain: (a) => a.map(Math.tanh), stretch: [1, 0] },
  sin: { run: (a) => ops.sin(a), plain: (a) => a.map(Math.sin), stretch: [1, 0] },
  square: { run: (a) => ops.square(a), plain: (a) => a.map((x) => x * x), stretch: [2, 0] },
  mean: {
    run: (a, b) => ops.multiply(ops.add(a, b), 0.5),
    plain: (a, b) => map2(a, b, (x, y) => (x + y) / 2),
    stretch: [0.5, 0.5],
  },
  multiply: { run: (a, b) => ops.multiply(a, b), plain: (a, b) => map2(a, b, (x, y) => x * y), stretch: [1, 1] },
  matmul: { run: (a, b) => ops.divide(ops.matmul(a, b), N), plain: product, stretch: [1, 1] },
  softmax: { run: (a) => ops.softmax(a), plain: (a) => rowsOf(a, softmaxRow), stretch: [1, 0] },
  permute: {
    run: (a) => ops.permute(a, [1, 0]),
    plain: (a) => a.map((_, at) => a[(at % N) * N + Math.floor(at / N)]),
    stretch: [1, 0],
  },
  reshape: { run: (a) => ops.reshape(ops.reshape(a, [16]), [N, N]), plain: (a) => a.slice(), stretch: [1, 0] },
  "a row, repeated": {
    run: (a) => ops.expand(ops.slice(a, 0, 2, 1), SHAPE),
    plain: (a) => a.map((_, at) => a[2 * N + (at % N)]),
    stretch: [1, 0],
  },
  "two halves": {
    run: (a, b) => ops.concat([ops.slice(a, 0, 0, 2), ops.slice(b, 0, 2, 2)], 0),
    plain: (a, b) => a.map((x, at) => (at < 8 ? x : b[at])),
    stretch: [1, 1],
  },
  // 4 d/da mean(a² + ab) = (2a + b)/4, and with a for b that of mean(2a²)
  gradient: {
    run: (a, b) =>
      ops.multiply(valueAndGrad((p) => ops.mean(ops.add(ops.square(p.a), ops.multiply(p.a, b))), { a }).gradients.a, N),
    plain: (a, b) => map2(a, b, (x, y) => (2 * x + (a === b ? 2 : 1) * y) / N),
    stretch: [1, 1],
  },
};

import { sumPrimitive } from "../../src/autograd/broadcast.js";
import { matmulExtents } from "../../src/autograd/matmul.js";
import {
  layerNormBackwardPrimitive,
  layerNormPrimitive,
  softmaxBackwardPrimitive,
  softmaxPrimitive,
} from "../../src/autograd/rows.js";
import { roundToHalf } from "../../src/core/half.js";
import { sizeOf } from "../../src/core/shape.js";
import { createCpu, implement, type Implementations, type Numbers } from "../../src/cpu/backend.js";
import { matmulBy, matrixIndex } from "../../src/cpu/matmul.js";
import { float64 } from "../../src/cpu/cpu.js";

const f = Math.fround;

/** Σ term(i) with every product and sum rounded to float32, in order. */
function naiveSum(count: number, term: (index: number) => number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) sum = f(sum + f(term(index)));
  return sum;
}

function eachRow(
  x: { shape: readonly number[]; data: Numbers },
  row: (at: (c: number) => number, width: number, index: number) => void,
): void {
  const width = x.shape.at(-1)!;
  for (let index = 0; index * width < x.data.length; index++) row((c) => index * width + c, width, index);
}

const float32: Implementations = new Map([
  ...float64,
  matmulBy(([a, b], [c], attributes) => {
    const { batch, rows, inner, columns } = matmulExtents(a.shape, b.shape, attributes);
    const strides = (transposed: boolean, long: number): [number, number] => (transposed ? [1, long] : [long, 1]);
    const [aRow, aInner] = strides(attributes.transposeA, attributes.transposeA ? rows : inner);
    const [bInner, bColumn] = strides(attributes.transposeB, attributes.transposeB ? inner : columns);
    const count = sizeOf(batch);
    for (let entry = 0; entry < count; entry++) {
      const aStart = rows * inner * matrixIndex(entry, batch, a.shape.slice(0, -2));
      const bStart = inner * columns * matrixIndex(entry, batch, b.shape.slice(0, -2));
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          c.data[(entry * rows + i) * columns + j] = naiveSum(
            inner,
            (k) => a.data[aStart + i * aRow + k * aInner] * b.data[bStart + k * bInner + j * bColumn],
          );
        }
      }
    }
  }),
  implement(sumPrimitive, ([x], [y], { axes }) => {
    const kept = x.shape.map((extent, axis) => (axes.includes(axis) ? 0 : extent));
    x.data.forEach((value, index) => {
      let place = 0;
      for (let axis = 0, rest = index, inner = x.data.length; axis < kept.length; axis++) {
        inner /= x.shape[axis];
        const position = Math.floor(rest / inner);
        rest -= position * inner;
        if (kept[axis] !== 0) place = place * kept[axis] + position;
      }
      y.data[place] = y.data[place] + value;
    });
  }),
  implement(softmaxPrimitive, ([x], [y]) =>
    eachRow(x, (at, width) => {
      let maximum = -Infinity;
      for (let c = 0; c < width; c++) maximum = Math.max(maximum, x.data[at(c)]);
      const e = (c: number): number => f(Math.exp(f(x.data[at(c)] - maximum)));
      const total = naiveSum(width, e);
      for (let c = 0; c < width; c++) y.data[at(c)] = e(c) / total;
    }),
  ),
  implement(softmaxBackwardPrimitive, ([y, dy], [dx]) =>
    eachRow(y, (at, width) => {
      const inner = naiveSum(width, (c) => y.data[at(c)] * dy.data[at(c)]);
      for (let c = 0; c < width; c++) dx.data[at(c)] = y.data[at(c)] * f(dy.data[at(c)] - inner);
    }),
  ),
  implement(layerNormPrimitive, ([x, scale, shift], [y, n, r], { epsilon }) =>
    eachRow(x, (at, width, row) => {
      const mean = f(naiveSum(width, (c) => x.data[at(c)]) / width);
      const variance = f(naiveSum(width, (c) => f(x.data[at(c)] - mean) ** 2) / width);
      r.data[row] = 1 / f(Math.sqrt(f(variance + epsilon)));
      for (let c = 0; c < width; c++) {
        n.data[at(c)] = f(x.data[at(c)] - mean) * r.data[row];
        y.data[at(c)] = f(n.data[at(c)] * scale.data[c]) + shift.data[c];
      }
    }),
  ),
  implement(layerNormBackwardPrimitive, ([n, r, scale, dy], [dx, sums]) =>
    eachRow(n, (at, width, row) => {
      const u = (c: number): number => f(dy.data[at(c)] * scale.data[c]);
      const mean = f(naiveSum(width, u) / width);
      const inner = f(naiveSum(width, (c) => n.data[at(c)] * u(c)) / width);
      for (let c = 0; c < width; c++) {
        dx.data[at(c)] = r.data[row] * f(f(u(c) - mean) - f(n.data[at(c)] * inner));
        sums.data[c] += f(n.data[at(c)] * dy.data[at(c)]);
        sums.data[width + c] += dy.data[at(c)];
      }
    }),
  ),
]);

/**
 * Float32 as in a straightforward program: every intermediate stored, every sum in order, every step rounded. Its error
 * against float64 is the yardstick for the GPU.
 */
export const naiveFloat32 = createCpu("naive float32", (size) => new Float32Array(size), float32);

/**
 * As `naiveFloat32`, with every stored intermediate rounded to float16, as frameworks compute without a fused kernel.
 * Sums stay float32.
 */
export const naiveFloat16 = createCpu(
  "naive float16",
  (size) => new Float32Array(size),
  new Map(
    [...float32].map(([primitive, compute]) => [
      primitive,
      (inputs, outputs, attributes) => {
        compute(inputs, outputs, attributes);
        for (const { data } of outputs) data.set(data.map(roundToHalf));
      },
    ]),
  ),
);

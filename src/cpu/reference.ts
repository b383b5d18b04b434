import { Matrix } from "ml-matrix";
import { matmulExtents } from "../autograd/matmul.js";
import { sizeOf } from "../core/shape.js";
import type { Backend } from "../core/tensor.js";
import { attentionByRows } from "./attention-rows.js";
import { createCpu, type Numbers } from "./backend.js";
import { float64 } from "./cpu.js";
import { matmulBy, matrixIndex } from "./matmul.js";

/** A matrix of `rows` x `columns` numbers that start at `offset`; transposed when asked. */
function matrixAt(data: Numbers, offset: number, rows: number, columns: number, transpose: boolean): Matrix {
  const own = (height: number, width: number): Matrix =>
    Matrix.from1DArray(height, width, Array.from(data.subarray(offset, offset + rows * columns)));
  return transpose ? own(columns, rows).transpose() : own(rows, columns);
}

const matmul = matmulBy(([a, b], [c], attributes) => {
  const { batch, rows, inner, columns } = matmulExtents(a.shape, b.shape, attributes);
  for (let entry = 0; entry < sizeOf(batch); entry++) {
    const aIndex = matrixIndex(entry, batch, a.shape.slice(0, -2));
    const bIndex = matrixIndex(entry, batch, b.shape.slice(0, -2));
    const left = matrixAt(a.data, aIndex * rows * inner, rows, inner, attributes.transposeA);
    const right = matrixAt(b.data, bIndex * inner * columns, inner, columns, attributes.transposeB);
    c.data.set(left.mmul(right).to1DArray(), entry * rows * columns);
  }
});

/**
 * The same as `cpu` by the plainest formulas: attention pair by pair, and matrix products of ml-matrix.
 *
 * It is slow. Tests hold `cpu` and GPUs to it.
 */
export const reference: Backend = createCpu(
  "float64 by plain formulas",
  (size) => new Float64Array(size),
  new Map([...float64, matmul, ...attentionByRows]),
);

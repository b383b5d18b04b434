import { Matrix } from "ml-matrix";
import { matmulExtents, matmulPrimitive } from "../autograd/matmul.js";
import { sizeOf, stridesOf } from "../core/shape.js";
import { implement, type Numbers } from "./backend.js";

/** A float64 matrix of `rows` x `columns` numbers that start at `offset`; transposed when asked. */
function matrixAt(data: Numbers, offset: number, rows: number, columns: number, transpose: boolean): Matrix {
  const matrix = new Matrix(rows, columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      matrix.set(row, column, data[transpose ? offset + column * rows + row : offset + row * columns + column]);
    }
  }
  return matrix;
}

/** For every entry of the broadcast batch, the number of the operand's matrix. */
export function matrixIndex(entry: number, batch: readonly number[], own: readonly number[]): number {
  const strides = stridesOf(own);
  let index = 0;
  for (let axis = batch.length - 1, rest = entry; axis >= 0; axis--) {
    const stride = strides[axis - batch.length + own.length];
    if (stride !== undefined) index += (rest % batch[axis]) * stride;
    rest = Math.floor(rest / batch[axis]);
  }
  return index;
}

export const matmul = implement(matmulPrimitive, ([a, b], [c], attributes) => {
  const { batch, rows, inner, columns } = matmulExtents(a.shape, b.shape, attributes);
  for (let entry = 0; entry < sizeOf(batch); entry++) {
    const aIndex = matrixIndex(entry, batch, a.shape.slice(0, -2));
    const bIndex = matrixIndex(entry, batch, b.shape.slice(0, -2));
    const left = matrixAt(a.data, aIndex * rows * inner, rows, inner, attributes.transposeA);
    const right = matrixAt(b.data, bIndex * inner * columns, inner, columns, attributes.transposeB);
    c.data.set(left.mmul(right).to1DArray(), entry * rows * columns);
  }
});

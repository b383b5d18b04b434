import { matmulExtents, matmulPrimitive, type MatmulAttributes } from "../autograd/matmul.js";
import { sizeOf, stridesOf } from "../core/shape.js";
import { implement, type Compute } from "./backend.js";
import { accumulate, gridOf } from "../numerics/pair-products.js";

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

/** The primitive by a product of two operands, which fills c; a bias is added after it. */
export const matmulBy = (multiply: Compute<MatmulAttributes>): [unknown, Compute<never>] =>
  implement(matmulPrimitive, ([a, b, bias], [c], attributes) => {
    multiply([a, b], [c], attributes);
    if (bias === undefined) return;
    const [sums, added] = [c.data, bias.data];
    for (let at = 0; at < sums.length; at += added.length)
      for (let column = 0; column < added.length; column++) sums[at + column] += added[column];
  });

export const matmul = matmulBy(([a, b], [c], attributes) => {
  const { transposeA, transposeB } = attributes;
  const { batch, rows, inner, columns } = matmulExtents(a.shape, b.shape, attributes);
  // One matrix b for all rows of a: one product.
  const isJoined = b.shape.length === 2 && !transposeA;
  const entries = isJoined ? 1 : sizeOf(batch);
  const height = isJoined ? rows * sizeOf(batch) : rows;
  for (let entry = 0; entry < entries; entry++) {
    const left = matrixIndex(entry, batch, a.shape.slice(0, -2)) * rows * inner;
    const right = matrixIndex(entry, batch, b.shape.slice(0, -2)) * inner * columns;
    accumulate(
      "product",
      transposeA ? gridOf(a.data, left, inner, rows, true) : gridOf(a.data, left, height, inner),
      transposeB ? gridOf(b.data, right, columns, inner) : gridOf(b.data, right, inner, columns, true),
      gridOf(c.data, entry * rows * columns, height, columns),
    );
  }
});

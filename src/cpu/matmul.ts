import { matmulExtents, matmulPrimitive, type MatmulAttributes } from "../autograd/matmul.js";
import { sizeOf, stridesOf, type Shape } from "../core/shape.js";
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

/** Calls `row` for every row of a head: where it is in [batch, heads, tokens, dim], and in [batch·tokens, heads·dim]. */
function eachHeadRow([batch, heads, tokens, dim]: Shape, row: (inHeads: number, beside: number) => void): void {
  for (let b = 0, at = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < tokens; t++, at += dim) row(at, ((b * tokens + t) * heads + h) * dim);
}

/** The primitive by a product of operands without heads or bias, which fills c. */
export const matmulBy = (multiply: Compute<MatmulAttributes>): [unknown, Compute<never>] =>
  implement(matmulPrimitive, ([left, right, bias], [c], { heads, ...attributes }) => {
    const [a, b] = ([left, right] as const).map((operand, side) => {
      if (heads?.of !== (["a", "b"] as const)[side]) return operand;
      const { shape, data } = operand;
      const merged = data.slice();
      const [batch, count, tokens, dim] = shape as [number, number, number, number];
      eachHeadRow(shape, (from, to) => merged.set(data.subarray(from, from + dim), to));
      return { shape: [batch * tokens, count * dim], data: merged };
    });
    const isSplit = heads?.of === "c";
    const product = isSplit ? { shape: [c.shape[0] * c.shape[2], c.shape[1] * c.shape[3]], data: c.data.slice() } : c;
    multiply([a, b], [product], attributes);
    if (bias !== undefined) {
      const { data } = product;
      for (let at = 0; at < data.length; at += bias.data.length)
        for (let column = 0; column < bias.data.length; column++) data[at + column] += bias.data[column];
    }
    if (isSplit) eachHeadRow(c.shape, (to, from) => c.data.set(product.data.subarray(from, from + heads.dim), to));
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

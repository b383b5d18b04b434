import { checkTensors } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { flag } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { broadcastShapes, formatShape, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { reshape, sumTo } from "./broadcast.js";
import { apply, type Differentiable } from "./tape.js";

/** Whether an operand is read with its last two axes swapped. */
export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Which operands are read with their last two axes swapped. Default: none. */
export type MatmulOptions = Partial<MatmulAttributes>;

export interface MatmulExtents {
  readonly batch: Shape;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

export function matmulExtents(a: Shape, b: Shape, { transposeA, transposeB }: MatmulAttributes): MatmulExtents {
  const [rows, inner] = transposeA ? [a.at(-1), a.at(-2)] : [a.at(-2), a.at(-1)];
  const [innerB, columns] = transposeB ? [b.at(-1), b.at(-2)] : [b.at(-2), b.at(-1)];
  if (rows === undefined || columns === undefined || inner === undefined || inner !== innerB) {
    throw new ShapeError({
      where: "matmul",
      wanted: "a [..., rows, inner] and b [..., inner, columns] with one inner extent",
      got:
        `${formatShape(a)}${transposeA ? " transposed" : ""} and ` +
        `${formatShape(b)}${transposeB ? " transposed" : ""}`,
    });
  }
  return { batch: broadcastShapes("matmul", a.slice(0, -2), b.slice(0, -2)), rows, inner, columns };
}

export const matmulPrimitive: Differentiable<MatmulAttributes> = {
  name: "matmul",
  infer([a, b], attributes) {
    const { batch, rows, columns } = matmulExtents(a, b, attributes);
    return [[...batch, rows, columns]];
  },
  vjp({ inputs, attributes: { transposeA, transposeB }, needs }, dc) {
    const [a, b] = inputs as [Tensor, Tensor];
    const g = dc!;
    const da = (): Tensor => (transposeA ? product(b, g, transposeB, true) : product(g, b, false, !transposeB));
    const db = (): Tensor => (transposeB ? product(g, a, true, transposeA) : product(a, g, !transposeA, false));
    return [needs(0) ? sumTo(da(), a.shape) : undefined, needs(1) ? sumTo(db(), b.shape) : undefined];
  },
};

function product(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  return apply(matmulPrimitive, [a, b], { transposeA, transposeB })[0];
}

/**
 * The matrix product over the last two axes, C = A·B, with the leading axes broadcast.
 *
 * Shapes: a [..., rows, inner], b [..., inner, columns] gives [..., rows, columns]; `transposeA` and `transposeB` read
 * an operand with its last two axes swapped.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkTensors("matmul", { a, b });
  const { transposeA = false, transposeB = false } = checkOptions("matmul", options, {
    transposeA: flag,
    transposeB: flag,
  });
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) {
    // One tall product: its gradient for b is one product too, not one a batch entry to be summed.
    const { columns } = matmulExtents(a.shape, b.shape, { transposeA, transposeB });
    const tall = product(reshape(a, [-1, a.shape.at(-1)!]), b, false, transposeB);
    return reshape(tall, [...a.shape.slice(0, -1), columns]);
  }
  return product(a, b, transposeA, transposeB);
}

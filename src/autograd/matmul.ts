import { checkTensors } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { flag } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { broadcastShapes, formatShape, sameShape, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { add } from "./arithmetic.js";
import { permute, reshape, sumTo } from "./broadcast.js";
import { apply, type Differentiable } from "./tape.js";

/** Rows that a backend with `joinsHeads` may take to be of one batch entry. */
export const TOKENS_AT_ONCE = 16;

/** An operand of a matrix product, or its result. */
export type MatmulPlace = "a" | "b" | "c";

/**
 * The one whose numbers lie as [batch, heads, tokens, dim], although it has the shape of the matrix
 * [batch·tokens, heads·dim] that it stands for. For backends with `joinsHeads`. Tokens are a multiple of
 * TOKENS_AT_ONCE; dim, inner, columns and a's rows in memory are multiples of 4.
 */
export interface MatmulHeads {
  readonly of: MatmulPlace;
  readonly tokens: number;
  readonly dim: number;
}

/** Which operands are read with their last two axes swapped. Default: none. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

export interface MatmulAttributes extends Required<MatmulOptions> {
  readonly heads?: MatmulHeads;
}

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

/** C = A·B over the last two axes, plus a bias [columns] where there is a third input. */
export const matmulPrimitive: Differentiable<MatmulAttributes> = {
  name: "matmul",
  infer([a, b], attributes) {
    const { batch, rows, columns } = matmulExtents(a, b, attributes);
    return [[...batch, rows, columns]];
  },
  vjp({ inputs, attributes: { transposeA, transposeB, heads }, needs }, dc) {
    const [a, b, bias] = inputs as [Tensor, Tensor, Tensor | undefined];
    const g = dc!;
    // The one in heads keeps its layout: `places` has that of a, b and c in a product of the gradients.
    const among = (places: string) => heads && { ...heads, of: places["abc".indexOf(heads.of)] as MatmulPlace };
    const da = (): Tensor =>
      transposeA ? product([b, g], transposeB, true, among("cab")) : product([g, b], false, !transposeB, among("cba"));
    const db = (): Tensor =>
      transposeB ? product([g, a], true, transposeA, among("bca")) : product([a, g], !transposeA, false, among("acb"));
    const rows = (): Tensor =>
      heads?.of === "c" ? permute(reshape(g, [-1, bias!.size / heads.dim, heads.tokens, heads.dim]), [0, 2, 1, 3]) : g;
    return [
      needs(0) ? sumTo(da(), a.shape) : undefined,
      needs(1) ? sumTo(db(), b.shape) : undefined,
      bias && needs(2) ? sumTo(reshape(rows(), [-1, bias.size]), bias.shape) : undefined,
    ];
  },
};

function product(
  inputs: readonly Tensor[],
  transposeA: boolean,
  transposeB: boolean,
  heads: MatmulHeads | undefined,
): Tensor {
  return apply(matmulPrimitive, inputs, { transposeA, transposeB, heads })[0];
}

/** One tall product: its gradient for b is one product too, not one a batch entry to be summed. */
function tall(a: Tensor, b: Tensor, bias: Tensor | null, transposeB = false): Tensor {
  const { columns } = matmulExtents(a.shape, b.shape, { transposeA: false, transposeB });
  const rows = reshape(a, [-1, a.shape.at(-1)!]);
  const c = product(bias === null ? [rows, b] : [rows, b, bias], false, transposeB, undefined);
  return reshape(c, [...a.shape.slice(0, -1), columns]);
}

const takesBias = ({ shape }: Tensor, bias: Tensor | null): boolean =>
  shape.length === 2 && (bias === null || sameShape(bias.shape, [shape[1]]));

/** What a product takes; checked first, because their shapes decide what follows. */
function checked(a: Tensor, b: Tensor, bias: Tensor | null): readonly Tensor[] {
  checkTensors("matmul", bias === null ? { a, b } : { a, b, bias });
  return bias === null ? [a, b] : [a, b, bias];
}

/** x W + b, in one pass where b is [columns]; without a bias x W. */
export function affine(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  checked(x, weight, bias);
  if (takesBias(weight, bias) && x.shape.length > 1) return tall(x, weight, bias);
  const c = matmul(x, weight);
  return bias === null ? c : add(c, bias);
}

/** Whether a product with W, without or with a bias for its columns, can read or write heads where they lie. */
function joins(
  { backend }: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  tokens: number | undefined,
  dim: number | undefined,
): boolean {
  const [rows, columns] = weight.shape;
  const isWhole = [rows, columns, dim].every((extent) => extent! % 4 === 0) && tokens! % TOKENS_AT_ONCE === 0;
  return backend.joinsHeads && isWhole && takesBias(weight, bias);
}

/** x W + b in heads: x [batch, n, width] and W [width, heads·dim] give [batch, heads, n, dim]. */
export function affineToHeads(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null,
  [heads, dim]: readonly [number, number],
): Tensor {
  const [, b, ...rest] = checked(x, weight, bias);
  const [batch, tokens, width] = x.shape as [number, number, number];
  if (x.shape.length !== 3 || weight.shape[1] !== heads * dim || !joins(x, weight, bias, tokens, dim))
    return permute(reshape(affine(x, weight, bias), [batch, tokens, heads, dim]), [0, 2, 1, 3]);
  const rows = reshape(x, [-1, width]);
  return reshape(product([rows, b, ...rest], false, false, { of: "c", tokens, dim }), [batch, heads, tokens, dim]);
}

/** x W + b of heads side by side: x [batch, heads, n, dim] and W [heads·dim, columns] give [batch, n, columns]. */
export function affineOfHeads(x: Tensor, weight: Tensor, bias: Tensor | null): Tensor {
  const [, ...rest] = checked(x, weight, bias);
  const [batch, heads, tokens, dim] = x.shape as [number, number, number, number];
  if (x.shape.length !== 4 || !joins(x, weight, bias, tokens, dim))
    return affine(reshape(permute(x, [0, 2, 1, 3]), [batch, tokens, heads * dim]), weight, bias);
  const rows = reshape(x, [-1, heads * dim]);
  return reshape(product([rows, ...rest], false, false, { of: "a", tokens, dim }), [batch, tokens, -1]);
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
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) return tall(a, b, null, transposeB);
  return product([a, b], transposeA, transposeB, undefined);
}

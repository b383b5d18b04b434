import { add, multiply } from "../autograd/arithmetic.js";
import { permute, reshape } from "../autograd/broadcast.js";
import { embedding } from "../autograd/lookup.js";
import { ShapeError } from "../core/errors.js";
import { indices } from "../core/indices.js";
import { tensor, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { formatShape, stridesOf, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { MaskSizes } from "./mask.js";

/** A bias that depends on i - j alone: one number for each from -(m-1) to n-1, [heads or 1, n + m - 1]. */
export interface RelativeBias {
  readonly relative: Tensor;
}

/**
 * Added to the scores: a number a pair, [batch or 1, heads or 1, n or 1, m or 1], or a relative one. It gets a
 * gradient.
 */
export type Bias = Tensor | RelativeBias;

/** A bias by i - j: `relative` [heads or 1, n + m - 1], element r for i - j = r - (m - 1). */
export function relativeBias(relative: Tensor): RelativeBias {
  checkArguments("relativeBias", { relative }, { relative: tensor });
  return { relative };
}

/**
 * Attention with linear biases: -slope_h |i - j|, one slope a head, [heads] (Press, Smith & Lewis, arXiv 2108.12409).
 * The slopes may be learned; the paper's are 2^(-8h/heads) for h = 1 ... heads. `queries` and `keys` are n and m.
 *
 * @example
 * const slopes = gpu.tensor([1 / 4, 1 / 16, 1 / 64, 1 / 256], [4]); // four heads
 * const out = attention(softmax(), { q, k, v }, { bias: alibi(slopes, n, n), mask: causal() });
 */
export function alibi(slopes: Tensor, queries: number, keys: number): RelativeBias {
  checkArguments("alibi", { slopes, queries, keys }, { slopes: tensor, queries: whole(1), keys: whole(1) });
  const distances = Float64Array.from({ length: queries + keys - 1 }, (_, r) => -Math.abs(r - (keys - 1)));
  return { relative: multiply(reshape(slopes, [-1, 1]), slopes.backend.tensor(distances, [1, queries + keys - 1])) };
}

/** The sum of two biases; relative where both are. */
export function addBiases(a: Bias | undefined, b: Bias | undefined, sizes: MaskSizes): Bias | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if ("relative" in a && "relative" in b) return { relative: add(a.relative, b.relative) };
  return add(denseBias(a, sizes), denseBias(b, sizes));
}

/** A bias as a number for every pair; a relative one becomes [1, heads or 1, n, m]. */
export function denseBias(bias: Bias, { queries, keys }: MaskSizes): Tensor {
  if (!("relative" in bias)) return bias;
  const { relative } = bias;
  const ids = Int32Array.from(
    { length: queries * keys },
    (_, pair) => Math.floor(pair / keys) - (pair % keys) + keys - 1,
  );
  const gathered = embedding(permute(relative, [1, 0]), indices(ids, [queries, keys]));
  return reshape(permute(gathered, [2, 0, 1]), [1, relative.shape[0], queries, keys]);
}

/**
 * The layout of a bias: a pair's element is at offset + the sum of its batch, head, query and key index times their
 * strides.
 */
export interface BiasLayout {
  readonly offset: number;
  readonly strides: readonly [number, number, number, number];
  /** Whether pairs with one i - j share an element. */
  readonly relative: boolean;
}

export function biasTensor(bias: Bias): Tensor {
  return "relative" in bias ? bias.relative : bias;
}

/** Checks a bias against the sizes and returns its layout. */
export function biasLayout(bias: Bias, { batch, heads, queries, keys }: MaskSizes): BiasLayout {
  const { shape } = biasTensor(bias);
  const relative = "relative" in bias;
  const wanted = relative ? [heads, queries + keys - 1] : [batch, heads, queries, keys];
  const mayRepeat = relative ? 1 : 4;
  if (
    shape.length !== wanted.length ||
    shape.some((extent, axis) => extent !== wanted[axis] && (extent !== 1 || axis >= mayRepeat))
  ) {
    const or = wanted.map((extent, axis) => (axis < mayRepeat ? `${extent} or 1` : String(extent)));
    throw new ShapeError({
      where: "attention",
      argument: "bias",
      wanted: `[${or.join(", ")}]`,
      got: formatShape(shape),
    });
  }
  return relative ? { offset: keys - 1, strides: [0, stridesOf(shape)[0], 1, -1], relative } : denseLayout(shape);
}

/** Where numbers of [batch or 1, heads or 1, n or 1, m or 1] lie. */
function denseLayout(shape: Shape): BiasLayout {
  const [batch, head, query, key] = stridesOf(shape);
  return { offset: 0, strides: [batch, head, query, key], relative: false };
}

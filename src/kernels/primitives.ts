import { sum, sumTo } from "../autograd/broadcast.js";
import { apply, type Differentiable } from "../autograd/tape.js";
import { ShapeError, UnsupportedError } from "../core/errors.js";
import { formatShape, type Shape } from "../core/shape.js";
import type { Primitive } from "../core/tensor.js";
import { biasStep, type BiasLayout } from "./bias.js";
import type { TiledKernel } from "./kernel.js";
import type { Band } from "./mask.js";

export interface AttentionExtents {
  readonly batch: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly queries: number;
  readonly keys: number;
  readonly dim: number;
  readonly valueDim: number;
}

export function attentionExtents(q: Shape, k: Shape, v: Shape): AttentionExtents {
  const complain = (argument: string, wanted: string, got: Shape): never => {
    throw new ShapeError({ where: "attention", argument, wanted, got: formatShape(got) });
  };
  if (q.length !== 4) complain("q", "[batch, heads, n, d]", q);
  const [batch, heads, queries, dim] = q as [number, number, number, number];
  if (k.length !== 4 || k[0] !== batch || k[3] !== dim || heads % k[1] !== 0) {
    complain("k", `[${batch}, kvHeads, m, ${dim}] with kvHeads a divisor of ${heads}`, k);
  }
  const [, keyHeads, keys] = k as [number, number, number, number];
  if (v.length !== 4 || v[0] !== batch || v[1] !== keyHeads || v[2] !== keys) {
    complain("v", `[${batch}, ${keyHeads}, ${keys}, dv]`, v);
  }
  return { batch, heads, keyHeads, queries, keys, dim, valueDim: v[3] };
}

/** The bias of a pair that a mask hides; a bias from HIDING down, -∞ among them, hides its pair. The shaders have the same. */
export const HIDDEN = -3e38;
export const HIDING = -1e38;

export interface AttentionAttributes {
  readonly kernel: TiledKernel;
  readonly band: Band;
  /** As in `ResolvedMask`. */
  readonly lengths: readonly number[] | undefined;
  /** Scores become softcap·tanh(s / softcap); 0 leaves them. */
  readonly softcap: number;
  /** The layout of the bias in the input after the parameters; undefined without a bias. */
  readonly bias: BiasLayout | undefined;
}

export interface AttentionBackwardAttributes extends AttentionAttributes {
  /**
   * The gradients to compute: of q, of k and v, of the kernel's parameters, of the bias. With "pairs", the bias gradient has one number per
   * pair, not yet summed over pairs that share an element. The query pass writes it, so `query` must be wanted too.
   */
  readonly wanted: { readonly query: boolean; readonly keyValue: boolean; readonly parameters: boolean; readonly bias: false | "elements" | "pairs" };
}

/** So many numbers, one per pair, always count as little memory: 4 MiB in float32. */
const LITTLE = 2 ** 20;
/** Numbers for all pairs may take this many times the memory of the queries. */
const MODEST = 8;
/** The most numbers for all pairs: 64 MiB in float32, half of what every device can bind. */
const MOST = 2 ** 24;

/** Whether a number for every pair of tokens takes little memory compared with the queries. */
export function hasFewPairs({ batch, heads, queries, keys, dim }: AttentionExtents): boolean {
  const pairs = batch * heads * queries * keys;
  return pairs <= LITTLE || (keys <= MODEST * dim && pairs <= MOST);
}

function biasGradientShape(wanted: "elements" | "pairs", bias: Shape, layout: BiasLayout, { batch, heads, queries, keys }: AttentionExtents): Shape {
  if (wanted === "pairs") return [batch, heads, queries, keys];
  const [byQuery, byKey] = biasStep(layout, { queries, keys });
  if (byQuery === byKey) return bias;
  return [batch, heads, byQuery === 1 ? 1 : queries, byKey === 1 ? 1 : keys];
}

/**
 * Inputs q, k, v, parameters, output, statistic, cotangent of the output, and the bias if there is one. Outputs, those that are
 * wanted: dq; dk and dv, all of the dtype of q; one row of parameter gradients for every query, [batch, heads, n, count]; dbias, of the
 * bias's shape or [batch, heads, n, m], or for a bias that keys or queries share [batch, heads, n, 1] or [batch, heads, 1, m].
 */
export const attentionBackwardPrimitive: Primitive<AttentionBackwardAttributes> = {
  name: "attentionBackward",
  dtypes: ([q], { wanted }) => [
    ...(wanted.query ? [q] : []),
    ...(wanted.keyValue ? [q, q] : []),
    ...(wanted.parameters ? (["f32"] as const) : []),
    ...(wanted.bias ? (["f32"] as const) : []),
  ],
  infer([q, k, v, parameters, , , , bias], { wanted, bias: layout }) {
    const extents = attentionExtents(q, k, v);
    return [
      ...(wanted.query ? [q] : []),
      ...(wanted.keyValue ? [k, v] : []),
      ...(wanted.parameters ? [[...q.slice(0, 3), parameters[1]]] : []),
      ...(wanted.bias && layout ? [biasGradientShape(wanted.bias, bias, layout, extents)] : []),
    ];
  },
};

/**
 * Inputs q, k, v of one dtype, parameters [heads, count], and the bias if there is one. Outputs the attention in that dtype, and the
 * normaliser's statistic of each row: its log-sum-exp or divisor.
 */
export const attentionPrimitive: Differentiable<AttentionAttributes> = {
  name: "attention",
  dtypes: ([q]) => [q, "f32"],
  infer([q, k, v]) {
    const { batch, heads, queries, valueDim } = attentionExtents(q, k, v);
    return [
      [batch, heads, queries, valueDim],
      [batch, heads, queries],
    ];
  },
  vjp({ inputs, outputs, attributes, needs }, cotangent, ofStatistic) {
    if (cotangent === undefined || ofStatistic !== undefined) {
      throw new UnsupportedError({
        where: "attention",
        wanted: "a loss that depends on the output alone",
        got: "one that depends on its statistic",
        fix: "Pass the statistic through ops.stopGradient.",
      });
    }
    const [q, k, v, parameters, ...bias] = inputs;
    const { lengths, bias: layout } = attributes;
    const isByPair = needs(0) && lengths === undefined && layout?.relative === false && hasFewPairs(attentionExtents(q.shape, k.shape, v.shape));
    const byBias = isByPair ? "pairs" : "elements";
    const wanted = { query: needs(0), keyValue: needs(1) || needs(2), parameters: needs(3), bias: needs(4) && byBias } as const;
    const all = [q, k, v, parameters, ...outputs, cotangent, ...bias];
    const gradients = [...apply(attentionBackwardPrimitive, all, { ...attributes, wanted })];
    const dq = wanted.query ? gradients.shift() : undefined;
    const [dk, dv] = wanted.keyValue ? gradients.splice(0, 2) : [];
    const rows = wanted.parameters ? gradients.shift() : undefined;
    return [dq, dk, dv, rows && sum(rows, [0, 2]), ...gradients.map((gradient) => sumTo(gradient, bias[0].shape))];
  },
};

/**
 * Queries and keys of every head relative to a point amid its keys, from q [batch, heads, n, d] and k [batch, kvHeads, m, d], for kernels of
 * differences: ‖q‖² + ‖k‖² - 2q·k then cancels no digits far from the origin. The point is component by component the median of at most 15 keys,
 * spread evenly, so that a few that lie far off, or are not finite, do not move it; what does not depend on it gives it no gradient. With
 * `exact` a component of it is 0 unless most keys and queries lie near it: differences of float16 numbers are then mostly float16 numbers.
 */
export const recenterPrimitive: Differentiable<{ readonly exact: boolean }> = {
  name: "recenter",
  infer: ([q, k]) => [q, k],
  vjp: (_application, dq, dk) => [dq, dk],
};

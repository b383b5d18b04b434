import { apply, type Differentiable } from "../autograd/tape.js";
import { ShapeError, UnsupportedError } from "../core/errors.js";
import { named } from "../core/named.js";
import { formatShape, type Shape } from "../core/shape.js";
import type { Primitive, Tensor } from "../core/tensor.js";
import type { BiasLayout } from "./bias.js";
import type { TiledKernel } from "./kernel.js";
import type { MaskBand, MaskSpans } from "./mask.js";

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

/** The bias of a pair that a mask hides; a bias from HIDING down, -∞ among them, hides its pair. */
export const HIDDEN_BIAS = -3e38;
export const HIDING = -1e38;

export interface AttentionAttributes {
  readonly kernel: TiledKernel;
  readonly extents: AttentionExtents;
  readonly band: MaskBand;
  /** As in `ResolvedMask`. */
  readonly lengths: readonly number[] | undefined;
  /** As in `ResolvedMask`: with spans there are lengths. */
  readonly spans: MaskSpans | undefined;
  /** Scores become softcap·tanh(s / softcap); 0 leaves them. */
  readonly softcap: number;
  /** The layout of the bias in the input after the parameters; undefined without a bias. */
  readonly bias: BiasLayout | undefined;
}

/**
 * What attention takes: tensors, their shapes, or what a backend makes of them. q, k and v have one dtype; the
 * parameters are [heads, count].
 */
export interface AttentionOperands<Of> {
  readonly q: Of;
  readonly k: Of;
  readonly v: Of;
  readonly parameters: Of;
  readonly bias?: Of;
}

/** What its derivative takes: also the results, and the cotangent of the output. */
export interface AttentionBackwardOperands<Of> extends AttentionOperands<Of> {
  readonly output: Of;
  readonly statistic: Of;
  readonly cotangent: Of;
}

export interface AttentionBackwardAttributes extends AttentionAttributes {
  /** The operands whose gradients to compute. */
  readonly wanted: readonly (keyof AttentionOperands<unknown>)[];
}

const operandNames = ["q", "k", "v", "parameters", "bias"] as const;

export function attentionOperands<Of>(list: readonly Of[]): AttentionOperands<Of> {
  return named(operandNames, list) as AttentionOperands<Of>;
}

export function attentionBackwardOperands<Of>(list: readonly Of[]): AttentionBackwardOperands<Of> {
  return named(["output", "statistic", "cotangent", ...operandNames], list) as AttentionBackwardOperands<Of>;
}

/** The gradients that are wanted, by the operand that each belongs to. */
export function attentionGradients<Of>(
  list: readonly Of[],
  { wanted }: AttentionBackwardAttributes,
): Partial<AttentionOperands<Of>> {
  return named(wanted, list);
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

/** What a gradient has in common with its operand. */
function asOperands<Of>(list: readonly Of[], { wanted }: AttentionBackwardAttributes): Of[] {
  const operands = attentionBackwardOperands(list);
  return wanted.map((name) => operands[name]!);
}

/** Takes `AttentionBackwardOperands`, gives the gradients that are wanted. */
export const attentionBackwardPrimitive: Primitive<AttentionBackwardAttributes> = {
  name: "attentionBackward",
  dtypes: asOperands,
  infer: asOperands,
};

/**
 * Takes `AttentionOperands`. Gives the attention in the dtype of q, and the normaliser's statistic of each row: its
 * log-sum-exp or divisor.
 */
export const attentionPrimitive: Differentiable<AttentionAttributes> = {
  name: "attention",
  dtypes: ([q]) => [q, "f32"],
  infer: (_shapes, { extents: { batch, heads, queries, valueDim } }) => [
    [batch, heads, queries, valueDim],
    [batch, heads, queries],
  ],
  vjp({ inputs, outputs, attributes, needs }, cotangent, ofStatistic) {
    if (cotangent === undefined || ofStatistic !== undefined) {
      throw new UnsupportedError({
        where: "attention",
        wanted: "a loss that depends on the output alone",
        got: "one that depends on its statistic",
        fix: "Pass the statistic through ops.stopGradient.",
      });
    }
    const backward = { ...attributes, wanted: operandNames.filter((_, index) => needs(index)) };
    const gradients = attentionGradients(
      apply(attentionBackwardPrimitive, [...outputs, cotangent, ...inputs], backward),
      backward,
    );
    return operandNames.map((name) => gradients[name]);
  },
};

/** Attention over its operands by name. */
export function applyAttention(
  { q, k, v, parameters, bias }: AttentionOperands<Tensor>,
  attributes: Omit<AttentionAttributes, "extents">,
): { readonly output: Tensor; readonly statistic: Tensor } {
  const extents = attentionExtents(q.shape, k.shape, v.shape);
  const [output, statistic] = apply(attentionPrimitive, [q, k, v, parameters, ...(bias === undefined ? [] : [bias])], {
    ...attributes,
    extents,
  });
  return { output, statistic };
}

/**
 * Queries and keys of every head relative to a point amid its keys, from q [batch, heads, n, d] and k [batch, kvHeads,
 * m, d], for kernels of differences: ‖q‖² + ‖k‖² - 2q·k then cancels no digits far from the origin. The
 * point is component by component the median of at most 15 keys, spread evenly, so that a few that lie far off, or are
 * not finite, do not move it; what does not depend on it gives it no gradient. With `exact` a component of it is 0
 * unless most keys and queries lie near it: differences of float16 numbers are then mostly float16 numbers.
 */
export const recenterPrimitive: Differentiable<{ readonly exact: boolean }> = {
  name: "recenter",
  infer: ([q, k]) => [q, k],
  vjp: (_application, dq, dk) => [dq, dk],
};

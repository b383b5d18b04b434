import { ArgumentError } from "../core/errors.js";
import { having, listOf, oneOf, whole, wholeNumber } from "../core/kinds.js";
import { checkArguments, checkFewOptions } from "../core/options.js";

/** The sizes for which a mask is evaluated. */
export interface MaskSizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
}

/** Query i may see key j where low ≤ j - i ≤ high. */
export interface MaskBand {
  readonly low: number;
  readonly high: number;
}

/** How many queries and keys of each batch entry count; undefined for all. */
export interface Lengths {
  readonly queries?: readonly number[];
  readonly keys?: readonly number[];
  /**
   * On which side of them the padding is, for queries and keys alike. Default "right"; "left" where sequences end
   * together, as prompts do.
   */
  readonly padding?: "left" | "right";
}

/** Places first, first + 1, ..., end - 1. */
export type MaskRun = readonly [first: number, end: number];

/** The queries and keys of each batch entry that count; undefined for all. */
export interface MaskRuns {
  readonly queries?: readonly MaskRun[];
  readonly keys?: readonly MaskRun[];
}

/**
 * The keys that every query sees, where they are one run: four numbers for each place t of each batch entry, [batch,
 * max(n, m), 4]. They are the first key that query t sees, the one after the last, and the same of the queries that see
 * key t. A place that is only a query's or only a key's has any numbers for the other. None of the four may decrease
 * from place to place; a run without places has first = end.
 */
export type MaskSpans = readonly number[];

/** A mask that lets whole tiles be skipped: a pair is seen where its band, its runs and its spans allow it. */
export interface MaskStructure {
  readonly band: MaskBand;
  readonly runs: MaskRuns;
  readonly spans?: MaskSpans;
}

/**
 * Which pairs may see each other.
 *
 * Bands and runs of queries and keys cost no memory, spans four numbers a token. All of them let whole tiles be
 * skipped.
 */
export interface Mask {
  /** Whether query i may see key j. */
  allows(sizes: MaskSizes, batch: number, head: number, i: number, j: number): boolean;
  /** Whether it differs between batch entries, heads, queries (default true) and keys (default true). */
  readonly varies: readonly [batch: boolean, heads: boolean, queries?: boolean, keys?: boolean];
  /** The mask as a band, runs and spans, where it is one. */
  readonly structure?: (sizes: MaskSizes) => MaskStructure;
  /** Whether to merge the mask into a bias if there is one, because runs and a bias need a binding each. */
  readonly joinsBias?: boolean;
  /** The parts of a mask that allows a pair only if every part does. */
  readonly parts?: readonly Mask[];
}

export const maskKind = /* @__PURE__ */ having<Mask>(
  "a mask: causal(), slidingWindow(), lengths(), documents(), booleanMask(), maskOf(), and() or or()",
  ["allows", "varies"],
  "booleanMask(values, shape) takes truth values; numbers to add to the scores are a bias.",
);

// Far beyond every index, and far from overflow.
const BEFORE_ALL = -0x40000000;
const BEYOND_ALL = 0x40000000;
/** Every pair. */
export const everything: MaskBand = { low: BEFORE_ALL, high: BEYOND_ALL };

function banded(band: (sizes: MaskSizes) => MaskBand): Mask {
  return {
    varies: [false, false],
    structure: (sizes) => ({ band: band(sizes), runs: {} }),
    allows(sizes, _batch, _head, i, j) {
      const { low, high } = band(sizes);
      return j - i >= low && j - i <= high;
    },
  };
}

/** Options of `causal`. */
export interface CausalOptions {
  /**
   * Where the diagonal starts when there are more keys than queries, or fewer. Default "top-left": query i sees keys 0
   * to i.
   */
  readonly align?: "top-left" | "bottom-right";
  /** How many keys come before the first query's own: query i sees keys 0 to i + offset. Instead of `align`. */
  readonly offset?: number;
}

/**
 * Each query sees the keys up to its own position; aligned bottom-right, the last query sees the last key.
 *
 * @example
 * const out = attention(softmax(), { q, k, v }, { mask: causal() });
 */
export function causal(options: CausalOptions = {}): Mask {
  const { align = "top-left", offset } = checkFewOptions("causal", options, {
    align: oneOf("top-left", "bottom-right"),
    offset: wholeNumber,
  });
  return banded(({ queries, keys }) => ({
    low: BEFORE_ALL,
    high: offset ?? (align === "top-left" ? 0 : keys - queries),
  }));
}

/**
 * Each query sees the keys at most `width` positions away on either side: |i + offset - j| ≤ width, offset 0 by
 * default.
 */
export function slidingWindow(width: number, options: Pick<CausalOptions, "offset"> = {}): Mask {
  checkArguments("slidingWindow", { width }, { width: whole(0) });
  const { offset = 0 } = checkFewOptions("slidingWindow", options, { offset: wholeNumber });
  return banded(() => ({ low: offset - width, high: offset + width }));
}

/** Caches the last result of a function of the sizes, because a mask is evaluated for many pairs of the same sizes. */
export function remembered<Value>(compute: (sizes: MaskSizes) => Value): (sizes: MaskSizes) => Value {
  let last: { readonly sizes: MaskSizes; readonly value: Value } | undefined;
  return (sizes) => (last?.sizes === sizes ? last : (last = { sizes, value: compute(sizes) })).value;
}

function isInside(runs: readonly MaskRun[] | undefined, batch: number, place: number): boolean {
  return runs === undefined || (place >= runs[batch][0] && place < runs[batch][1]);
}

/**
 * A mask by the `counts` of valid queries and keys of every batch entry: the first ones, or with `padding: "left"` the
 * last ones. The rest is padding. A padded query sees no key, so its output and gradients are zero; no query sees a
 * padded key. A mask by j - i, such as `causal()`, is not shifted: if queries and keys have equal padding, it applies
 * within each sequence.
 *
 * @example
 * const out = attention(softmax(), { q, k, v }, { mask: lengths({ keys: [5, 3] }) }); // a batch of two
 */
export function lengths(counts: Lengths): Mask {
  const kinds = { queries: listOf(whole(0)), keys: listOf(whole(0)), padding: oneOf("left", "right") };
  const { queries, keys, padding = "right" } = checkFewOptions("lengths", counts, kinds, "counts");
  if (queries !== undefined && keys !== undefined)
    return and(lengths({ queries, padding }), lengths({ keys, padding }));
  const check = (name: string, counts: readonly number[], batch: number, most: number): void => {
    if (counts.length === batch && counts.every((count) => Number.isInteger(count) && count >= 0 && count <= most))
      return;
    throw new ArgumentError({
      where: "lengths",
      argument: name,
      wanted: `${batch} whole numbers from 0 to ${most}`,
      got: `[${counts.join(", ")}]`,
    });
  };
  const place = (
    name: string,
    counts: readonly number[] | undefined,
    batch: number,
    most: number,
  ): MaskRun[] | undefined => {
    if (counts === undefined) return undefined;
    check(name, counts, batch, most);
    return counts.map((count) => (padding === "left" ? [most - count, most] : [0, count]));
  };
  const runsFor = remembered((sizes) => ({
    queries: place("queries", queries, sizes.batch, sizes.queries),
    keys: place("keys", keys, sizes.batch, sizes.keys),
  }));
  return {
    varies: [true, false, queries !== undefined, keys !== undefined],
    structure: (sizes) => ({ band: everything, runs: runsFor(sizes) }),
    allows(sizes, batch, _head, i, j) {
      const runs = runsFor(sizes);
      return isInside(runs.queries, batch, i) && isInside(runs.keys, batch, j);
    },
  };
}

function varying(masks: readonly Mask[]): Mask["varies"] {
  return [
    masks.some(({ varies }) => varies[0]),
    masks.some(({ varies }) => varies[1]),
    masks.some(variesByQuery),
    masks.some(variesByKey),
  ];
}

export function variesByQuery({ varies: [, , queries = true] }: Mask): boolean {
  return queries;
}

export function variesByKey({ varies: [, , , keys = true] }: Mask): boolean {
  return keys;
}

/** A pair is seen where all masks allow it. */
export function and(...masks: readonly Mask[]): Mask {
  checkArguments("and", { masks }, { masks: listOf(maskKind) });
  return {
    varies: varying(masks),
    parts: masks.flatMap(partsOf),
    allows: (...place) => masks.every((mask) => mask.allows(...place)),
  };
}

/** A pair is seen where any of the masks allows it. */
export function or(...masks: readonly Mask[]): Mask {
  checkArguments("or", { masks }, { masks: listOf(maskKind) });
  return { varies: varying(masks), allows: (...place) => masks.some((mask) => mask.allows(...place)) };
}

/** The parts of a mask that must all allow a pair; by default the mask itself. */
export function partsOf(mask: Mask): readonly Mask[] {
  return mask.parts ?? [mask];
}

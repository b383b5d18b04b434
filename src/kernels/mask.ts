import { ArgumentError } from "../core/errors.js";
import { having, listOf, oneOf, whole, wholeNumber } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { sizeOf, type Shape } from "../core/shape.js";

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

/** Which pairs may see each other. Bands and runs of queries and keys cost no memory and let whole tiles be skipped. */
export interface Mask {
  /** Whether query i may see key j. */
  allows(sizes: MaskSizes, batch: number, head: number, i: number, j: number): boolean;
  /** Whether it differs between batch entries, heads, queries (default true) and keys (default true). */
  readonly varies: readonly [batch: boolean, heads: boolean, queries?: boolean, keys?: boolean];
  /** The mask as a band and runs, where it is one. */
  readonly structure?: (sizes: MaskSizes) => { readonly band: MaskBand; readonly runs: MaskRuns };
  /** Whether to merge the mask into a bias if there is one, because runs and a bias need a binding each. */
  readonly joinsBias?: boolean;
  /** The parts of a mask that allows a pair only if every part does. */
  readonly parts?: readonly Mask[];
}

export const maskKind = /* @__PURE__ */ having<Mask>(
  "a mask: causal(), slidingWindow(), lengths(), booleanMask(), and() or or()",
  ["allows", "varies"],
  "booleanMask(values, shape) takes truth values; numbers to add to the scores are a bias.",
);

/** Far beyond every index, and far from overflow. */
const FAR = 2 ** 30;
/** Every pair. */
export const everything: MaskBand = { low: -FAR, high: FAR };

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

/** Each query sees the keys up to its own position; aligned bottom-right, the last query sees the last key. */
export function causal(options: CausalOptions = {}): Mask {
  const { align = "top-left", offset } = checkOptions("causal", options, {
    align: oneOf("top-left", "bottom-right"),
    offset: wholeNumber,
  });
  return banded(({ queries, keys }) => ({ low: -FAR, high: offset ?? (align === "top-left" ? 0 : keys - queries) }));
}

/**
 * Each query sees the keys at most `width` positions away on either side: |i + offset - j| ≤ width, offset 0 by
 * default.
 */
export function slidingWindow(width: number, options: Pick<CausalOptions, "offset"> = {}): Mask {
  checkArguments("slidingWindow", { width }, { width: whole(0) });
  const { offset = 0 } = checkOptions("slidingWindow", options, { offset: wholeNumber });
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
 * The number of valid queries and keys of every batch entry: the first ones, or with `padding: "left"` the last ones.
 * The rest is padding. A padded query sees no key, so its output and gradients are zero; no query sees a padded key. A
 * mask by j - i, such as `causal()`, is not shifted: if queries and keys have equal padding, it applies within each
 * sequence.
 */
export function lengths(counts: Lengths): Mask {
  const kinds = { queries: listOf(whole(0)), keys: listOf(whole(0)), padding: oneOf("left", "right") };
  const { queries, keys, padding = "right" } = checkOptions("lengths", counts, kinds, "counts");
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

/** A mask as the passes take it: a band, runs, and a truth value per pair for any other part. */
export interface ResolvedMask {
  readonly band: MaskBand;
  /**
   * For every batch entry: the first valid query, the end of the valid queries, and the same of keys. Undefined if all
   * are valid.
   */
  readonly lengths: readonly number[] | undefined;
  /** 1 where the pair is seen, [batch or 1, heads or 1, n or 1, m or 1]. */
  readonly dense: { readonly seen: Uint8Array; readonly shape: Shape } | undefined;
}

/** `hasBias`: whether there will be a bias, which truth values can join. */
export function resolveMask(mask: Mask | undefined, sizes: MaskSizes, hasBias = false): ResolvedMask {
  let { low, high } = everything;
  let lengths: number[] | undefined;
  const rest: Mask[] = [];
  for (const part of mask === undefined ? [] : partsOf(mask)) {
    if (part.structure === undefined || (hasBias && part.joinsBias)) {
      rest.push(part);
      continue;
    }
    const { band, runs } = part.structure(sizes);
    low = Math.max(low, band.low);
    high = Math.min(high, band.high);
    if (runs.queries === undefined && runs.keys === undefined) continue;
    const before = lengths;
    lengths = Array.from({ length: sizes.batch }, (_, entry) => {
      const [query, queryEnd] = runs.queries?.[entry] ?? [0, sizes.queries];
      const [key, keyEnd] = runs.keys?.[entry] ?? [0, sizes.keys];
      const [firstQuery, lastQuery, firstKey, lastKey] = before?.slice(4 * entry) ?? [0, sizes.queries, 0, sizes.keys];
      return [
        Math.max(query, firstQuery),
        Math.min(queryEnd, lastQuery),
        Math.max(key, firstKey),
        Math.min(keyEnd, lastKey),
      ];
    }).flat();
  }
  return { band: { low, high }, lengths, dense: rest.length === 0 ? undefined : densify(and(...rest), sizes) };
}

/** Whether query i sees exactly keys 0 to i. */
export function isCausal(mask: Mask, sizes: MaskSizes): boolean {
  const { band, lengths, dense } = resolveMask(mask, sizes);
  return lengths === undefined && dense === undefined && band.low === everything.low && band.high === 0;
}

/** Whether a query sees any key: [batch or 1, heads or 1, n or 1, 1]. */
export function seeing(mask: Mask, sizes: MaskSizes): NonNullable<ResolvedMask["dense"]> {
  const shape = [
    mask.varies[0] ? sizes.batch : 1,
    mask.varies[1] ? sizes.heads : 1,
    variesByQuery(mask) ? sizes.queries : 1,
    1,
  ] as const;
  const [, heads, queries] = shape;
  const keys = Array.from({ length: sizes.keys }, (_, j) => j);
  const sees = (_: unknown, row: number): number =>
    Number(
      keys.some((j) =>
        mask.allows(sizes, Math.floor(row / (heads * queries)), Math.floor(row / queries) % heads, row % queries, j),
      ),
    );
  return { seen: Uint8Array.from({ length: sizeOf(shape) }, sees), shape };
}

/** Whether a pair is seen, as a number for each: [batch or 1, heads or 1, n or 1, m or 1]. */
export function densify(mask: Mask, sizes: MaskSizes): NonNullable<ResolvedMask["dense"]> {
  const batch = mask.varies[0] ? sizes.batch : 1;
  const heads = mask.varies[1] ? sizes.heads : 1;
  const queries = variesByQuery(mask) ? sizes.queries : 1;
  const keys = variesByKey(mask) ? sizes.keys : 1;
  const seen = new Uint8Array(batch * heads * queries * keys);
  let place = 0;
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        for (let j = 0; j < keys; j++) seen[place++] = mask.allows(sizes, b, h, i, j) ? 1 : 0;
      }
    }
  }
  return { seen, shape: [batch, heads, queries, keys] };
}

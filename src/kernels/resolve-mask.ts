import { sizeOf, type Shape } from "../core/shape.js";
import {
  and,
  everything,
  partsOf,
  variesByKey,
  variesByQuery,
  type Mask,
  type MaskBand,
  type MaskSizes,
  type MaskSpans,
} from "./mask.js";

/** A mask as the passes take it: a band, runs, spans, and a truth value per pair for any other part. */
export interface ResolvedMask {
  readonly band: MaskBand;
  /**
   * For every batch entry: the first valid query, the end of the valid queries, and the same of keys. Undefined if all
   * are valid.
   */
  readonly lengths: readonly number[] | undefined;
  /** Undefined if every query sees all keys that the others allow. With spans there are lengths. */
  readonly spans: MaskSpans | undefined;
  /** 1 where the pair is seen, [batch or 1, heads or 1, n or 1, m or 1]. */
  readonly dense: { readonly seen: Uint8Array; readonly shape: Shape } | undefined;
}

/** `hasBias`: whether there will be a bias, which truth values can join. */
export function resolveMask(mask: Mask | undefined, sizes: MaskSizes, hasBias = false): ResolvedMask {
  let { low, high } = everything;
  let lengths: number[] | undefined;
  let spans: MaskSpans | undefined;
  const rest: Mask[] = [];
  for (const part of mask === undefined ? [] : partsOf(mask)) {
    if (part.structure === undefined || (hasBias && part.joinsBias)) {
      rest.push(part);
      continue;
    }
    const { band, runs, spans: further } = part.structure(sizes);
    low = Math.max(low, band.low);
    high = Math.min(high, band.high);
    if (further !== undefined) spans = spans === undefined ? further : commonSpans(spans, further);
    if (further === undefined && runs.queries === undefined && runs.keys === undefined) continue;
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
  const dense = rest.length === 0 ? undefined : densify(and(...rest), sizes);
  return { band: { low, high }, lengths, spans, dense };
}

/** What two lists of spans both allow. Firsts and ends increase in both, and so in the result. */
function commonSpans(one: MaskSpans, other: MaskSpans): MaskSpans {
  return one.map((place, at) => {
    if (at % 2 === 0) return Math.max(place, other[at]);
    return Math.max(one[at - 1], other[at - 1], Math.min(place, other[at]));
  });
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

import { ArgumentError, ShapeError } from "../core/errors.js";
import { having, listOf, numbers, oneOf, shapeKind, whole, wholeNumber } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { formatShape, sizeOf, stridesOf, type Shape } from "../core/shape.js";

/** The sizes that a mask is asked for. */
export interface MaskSizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
}

/** Query i may see key j where low ≤ j - i ≤ high. */
export interface Band {
  readonly low: number;
  readonly high: number;
}

/** How many queries and keys of each batch entry count; undefined for all. */
export interface Lengths {
  readonly queries?: readonly number[];
  readonly keys?: readonly number[];
}

/** Which pairs may see each other. Bands and lengths cost no memory and let whole tiles be skipped. */
export interface Mask {
  /** Whether query i may see key j. */
  allows(sizes: MaskSizes, batch: number, head: number, i: number, j: number): boolean;
  /** Whether it differs between batch entries, and between heads. */
  readonly varies: readonly [batch: boolean, heads: boolean];
  /** The mask as a band and lengths, where it is one. */
  readonly structure?: (sizes: MaskSizes) => { readonly band: Band; readonly lengths: Lengths };
  /** The parts of a mask all of which must allow. */
  readonly parts?: readonly Mask[];
}

export const maskKind = having<Mask>(
  "a mask: causal(), slidingWindow(), lengths(), booleanMask(), and() or or()",
  ["allows", "varies"],
  "booleanMask(values, [batch or 1, heads or 1, n, m]) takes truth values; numbers to add to the scores are a bias.",
);

/** Far beyond every index, and far from overflow. */
const FAR = 2 ** 30;
const everything: Band = { low: -FAR, high: FAR };

function banded(band: (sizes: MaskSizes) => Band): Mask {
  return {
    varies: [false, false],
    structure: (sizes) => ({ band: band(sizes), lengths: {} }),
    allows(sizes, _batch, _head, i, j) {
      const { low, high } = band(sizes);
      return j - i >= low && j - i <= high;
    },
  };
}

export interface CausalOptions {
  /** Where the diagonal starts when there are more keys than queries, or fewer. Default "top-left": query i sees keys 0 to i. */
  readonly align?: "top-left" | "bottom-right";
  /** How many keys come before the first query's own: query i sees keys 0 to i + offset. Instead of `align`. */
  readonly offset?: number;
}

/** Each query sees the keys up to its own position; aligned bottom-right, the last query sees the last key. */
export function causal(options: CausalOptions = {}): Mask {
  const { align = "top-left", offset } = checkOptions("causal", options, { align: oneOf("top-left", "bottom-right"), offset: wholeNumber });
  return banded(({ queries, keys }) => ({ low: -FAR, high: offset ?? (align === "top-left" ? 0 : keys - queries) }));
}

/** Each query sees the keys at most `width` positions away on either side: |i + offset - j| ≤ width, offset 0 by default. */
export function slidingWindow(width: number, options: Pick<CausalOptions, "offset"> = {}): Mask {
  checkArguments("slidingWindow", { width }, { width: whole(0) });
  const { offset = 0 } = checkOptions("slidingWindow", options, { offset: wholeNumber });
  return banded(() => ({ low: offset - width, high: offset + width }));
}

/** The first queries and keys of every batch entry count, the rest is padding: one number a batch entry. */
export function lengths(counts: Lengths): Mask {
  const { queries, keys } = checkOptions("lengths", counts, { queries: listOf(whole(0)), keys: listOf(whole(0)) }, "counts");
  const check = (name: string, counts: readonly number[] | undefined, batch: number, most: number): void => {
    if (counts === undefined || (counts.length === batch && counts.every((count) => Number.isInteger(count) && count >= 0 && count <= most))) return;
    throw new ArgumentError({
      where: "lengths",
      argument: name,
      wanted: `${batch} whole numbers from 0 to ${most}`,
      got: `[${counts.join(", ")}]`,
    });
  };
  return {
    varies: [true, false],
    structure(sizes) {
      check("queries", queries, sizes.batch, sizes.queries);
      check("keys", keys, sizes.batch, sizes.keys);
      return { band: everything, lengths: { queries, keys } };
    },
    allows: (sizes, batch, _head, i, j) => i < (queries?.[batch] ?? sizes.queries) && j < (keys?.[batch] ?? sizes.keys),
  };
}

/** A truth value for every pair, true where the query may see the key: [batch or 1, heads or 1, n, m]. */
export function booleanMask(values: ArrayLike<boolean | number>, shape: Shape): Mask {
  checkArguments("booleanMask", { values, shape }, { values: numbers, shape: shapeKind });
  if (shape.length !== 4 || sizeOf(shape) !== values.length) {
    throw new ShapeError({
      where: "booleanMask",
      argument: "shape",
      wanted: `[batch or 1, heads or 1, n, m] of ${values.length} values`,
      got: formatShape(shape),
    });
  }
  const strides = stridesOf(shape);
  return {
    varies: [shape[0] > 1, shape[1] > 1],
    allows(sizes, batch, head, i, j) {
      const wanted = [sizes.batch, sizes.heads, sizes.queries, sizes.keys];
      if (shape.some((extent, axis) => extent !== wanted[axis] && (extent !== 1 || axis > 1))) {
        throw new ShapeError({
          where: "booleanMask",
          argument: "shape",
          wanted: `[${sizes.batch} or 1, ${sizes.heads} or 1, ${sizes.queries}, ${sizes.keys}]`,
          got: formatShape(shape),
        });
      }
      return Boolean(values[batch * strides[0] + head * strides[1] + i * strides[2] + j * strides[3]]);
    },
  };
}

function varying(masks: readonly Mask[]): Mask["varies"] {
  return [masks.some(({ varies }) => varies[0]), masks.some(({ varies }) => varies[1])];
}

/** A pair is seen where all masks allow it. */
export function and(...masks: readonly Mask[]): Mask {
  checkArguments("and", { masks }, { masks: listOf(maskKind) });
  return {
    varies: varying(masks),
    parts: masks.flatMap((mask) => mask.parts ?? [mask]),
    allows: (...place) => masks.every((mask) => mask.allows(...place)),
  };
}

/** A pair is seen where any of the masks allows it. */
export function or(...masks: readonly Mask[]): Mask {
  checkArguments("or", { masks }, { masks: listOf(maskKind) });
  return { varies: varying(masks), allows: (...place) => masks.some((mask) => mask.allows(...place)) };
}

/** A mask as the passes take it: a band, lengths, and for the rest a truth value a pair. */
export interface ResolvedMask {
  readonly band: Band;
  /** Queries and keys that count, for every batch entry in turn; undefined for all. */
  readonly lengths: readonly number[] | undefined;
  /** 1 where the pair is seen, [batch or 1, heads or 1, n, m]. */
  readonly dense: { readonly seen: Uint8Array; readonly shape: Shape } | undefined;
}

export function resolveMask(mask: Mask | undefined, sizes: MaskSizes): ResolvedMask {
  let { low, high } = everything;
  let counts: number[] | undefined;
  const rest: Mask[] = [];
  for (const part of mask === undefined ? [] : (mask.parts ?? [mask])) {
    if (part.structure === undefined) {
      rest.push(part);
      continue;
    }
    const { band, lengths } = part.structure(sizes);
    low = Math.max(low, band.low);
    high = Math.min(high, band.high);
    if (lengths.queries === undefined && lengths.keys === undefined) continue;
    const before = counts;
    counts = Array.from({ length: sizes.batch }, (_, entry) => [
      Math.min(lengths.queries?.[entry] ?? sizes.queries, before?.[2 * entry] ?? sizes.queries),
      Math.min(lengths.keys?.[entry] ?? sizes.keys, before?.[2 * entry + 1] ?? sizes.keys),
    ]).flat();
  }
  return { band: { low, high }, lengths: counts, dense: rest.length === 0 ? undefined : densify(and(...rest), sizes) };
}

/** Whether query i sees exactly keys 0 to i. */
export function isCausal(mask: Mask, sizes: MaskSizes): boolean {
  const { band, lengths, dense } = resolveMask(mask, sizes);
  return lengths === undefined && dense === undefined && band.low === everything.low && band.high === 0;
}

/** Whether a pair is seen, as a number for each: [batch or 1, heads or 1, n, m]. */
export function densify(mask: Mask, sizes: MaskSizes): NonNullable<ResolvedMask["dense"]> {
  const { queries, keys } = sizes;
  const batch = mask.varies[0] ? sizes.batch : 1;
  const heads = mask.varies[1] ? sizes.heads : 1;
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

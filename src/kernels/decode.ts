import { write } from "../autograd/slices.js";
import { isRecording } from "../autograd/tape.js";
import { commonBackend } from "../core/checks.js";
import { ArgumentError, ShapeError, UnsupportedError } from "../core/errors.js";
import { backend as backendKind, having, listOf, positive, record, tensor, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, needed } from "../core/options.js";
import { formatShape, sameShape } from "../core/shape.js";
import { isTensor } from "../core/is-tensor.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { attention } from "./attention.js";
import type { AttentionInputs, AttentionKernel, HeadSizes } from "./kernel.js";
import { and, causal, lengths, slidingWindow, type Mask } from "./mask.js";
import { attentionKernel } from "./options.js";

/** Sizes of a `keyValueCache`. */
export interface CacheSizes {
  readonly batch: number;
  readonly kvHeads: number;
  /** The most tokens that fit. */
  readonly capacity: number;
  /** d */
  readonly dim: number;
  /** dv. Default d. */
  readonly valueDim?: number;
}

/** The keys and values of the tokens so far. */
export interface KeyValueCache {
  readonly kernel: AttentionKernel;
  readonly capacity: number;
  /** Tokens so far. */
  length: number;
  /** [batch, kvHeads, capacity, d]; undefined for a kernel whose weights do not depend on keys. */
  readonly keys: Tensor | undefined;
  /** [batch, kvHeads, capacity, dv] */
  readonly values: Tensor;
  /** Memory of keys and values. */
  readonly bytes: number;
  dispose(): void;
}

/** @throws UnsupportedError for a kernel with an input of all queries that cannot be had for some of them. */
function checkPlaceable({ name, inputs = [] }: AttentionKernel, sizes: HeadSizes): void {
  const stuck = inputs.find(
    ({ shape, forQueries }) =>
      forQueries === undefined && !sameShape(shape(sizes), shape({ ...sizes, queries: sizes.queries + 1 })),
  );
  if (stuck === undefined) return;
  throw new UnsupportedError({
    where: "keyValueCache",
    argument: "kernel",
    wanted: "one whose tensors can be cut for the next queries",
    got: `${name}, whose ${stuck.name} cannot`,
    fix: "Call attention with causal() for all tokens.",
  });
}

/**
 * Allocates memory on `backend` for the keys and values of `sizes.capacity` tokens, or for values alone if the weights
 * of `kernel` do not depend on keys. Throws an `UnsupportedError` for a kernel that needs the positions of its queries,
 * such as `spatial` without `periodic`.
 *
 * @example
 * const cache = keyValueCache(gpu, softmax(), { batch: 1, kvHeads: 8, capacity: 2048, dim: 64 });
 * const out = decode(cache, { q, k, v });
 * cache.dispose();
 */
export function keyValueCache(backend: Backend, kernel: AttentionKernel, sizes: CacheSizes): KeyValueCache {
  checkArguments("keyValueCache", { backend, kernel }, { backend: backendKind, kernel: attentionKernel });
  const extent = needed(whole(1));
  const kinds = { batch: extent, kvHeads: extent, capacity: extent, dim: extent, valueDim: whole(1) };
  const { batch, kvHeads, capacity, dim, valueDim = dim } = checkOptions("keyValueCache", sizes, kinds, "sizes");
  checkPlaceable(kernel, { batch, heads: kvHeads, queries: 1, keys: capacity, dim });
  const room = (width: number): Tensor => backend.keep(backend.full(0, [batch, kvHeads, capacity, width]));
  const keys = kernel.projections === "values" ? undefined : room(dim);
  const values = room(valueDim);
  const numbers = values.size + (keys === undefined ? 0 : keys.size);
  return {
    kernel,
    capacity,
    length: 0,
    keys,
    values,
    bytes: numbers * (backend.name === "cpu" ? Float64Array : Float32Array).BYTES_PER_ELEMENT,
    dispose() {
      keys?.dispose();
      values.dispose();
    },
  };
}

const cacheKind = having<KeyValueCache>("a cache, as keyValueCache() gives", [
  "kernel",
  "capacity",
  "length",
  "values",
]);

/** Queries, keys and values of the new tokens, and the kernel's own tensors as for all `capacity` tokens. */
export interface DecodeInputs {
  /** [batch, heads, n, d] */
  readonly q: Tensor;
  /** [batch, kvHeads, n, d]; not needed where the cache has no keys. */
  readonly k?: Tensor;
  /** [batch, kvHeads, n, dv] */
  readonly v: Tensor;
  readonly [learned: string]: Tensor | undefined;
}

/** Options of `decode`. */
export interface DecodeOptions {
  /** The number of earlier tokens that a query sees. Default all. */
  readonly window?: number;
  /** As in `attention`. */
  readonly softcap?: number;
  /**
   * How many of the first tokens of every batch entry are padding, which no query sees: for prompts that end together.
   * Default none.
   */
  readonly padding?: readonly number[];
}

/**
 * Causal attention of the next tokens over the cached tokens and themselves; their keys and values are appended to the
 * cache. Each result is the same as that row of the full pass over `capacity` tokens.
 *
 * Shapes: `inputs` as in `attention`, n and m the number of new tokens; the result is [batch, heads, n, dv]. For few
 * queries a GPU splits the keys of a row over workgroups. Throws an `ArgumentError` when the cache is full, and an
 * `UnsupportedError` inside `valueAndGrad`, because the cache changes in place, and for a kernel without masks.
 *
 * @example
 * const out = decode(cache, { q, k, v }); // with q [batch, heads, 1, d] for one token more
 */
export function decode(cache: KeyValueCache, inputs: DecodeInputs, options: DecodeOptions = {}): Tensor {
  checkArguments("decode", { cache, inputs }, { cache: cacheKind, inputs: record });
  const { window, softcap, padding } = checkOptions("decode", options, {
    window: whole(0),
    softcap: positive,
    padding: listOf(whole(0)),
  });
  const { q, k, v, ...own } = inputs;
  checkArguments("decode", { q, v }, { q: tensor, v: tensor });
  if (k !== undefined) checkArguments("decode", { k }, { k: tensor });
  commonBackend("decode", [cache.values, ...Object.values(inputs).filter(isTensor)]);
  const { kernel, keys, values, capacity, length } = cache;
  const count = v.shape[2];
  if (isRecording()) {
    throw new UnsupportedError({
      where: "decode",
      wanted: "a call outside valueAndGrad",
      got: "one inside",
      fix: "Train with attention and causal().",
    });
  }
  if (length + count > capacity) {
    throw new ArgumentError({
      where: "decode",
      wanted: `at most ${capacity - length} more tokens`,
      got: String(count),
      fix: "Make a larger cache.",
    });
  }
  append("v", values, v, length);
  if (keys !== undefined) append("k", keys, k, length);
  const { backend } = q;
  const shared = Object.fromEntries(
    Object.entries(own).flatMap(([name, tensor]) => {
      if (!isTensor(tensor)) return [];
      const forQueries = kernel.inputs?.find((input) => input.name === name)?.forQueries;
      return [[name, forQueries === undefined ? tensor : forQueries(tensor, length, count)]];
    }),
  );
  const all: AttentionInputs =
    keys === undefined
      ? { ...shared, q: backend.full(0, [...q.shape.slice(0, 3), values.shape[3]]), k: values, v: values }
      : { ...shared, q, k: keys, v: values };
  const past = causal({ offset: length });
  const masks = [past];
  if (window !== undefined) masks.push(slidingWindow(window, { offset: length }));
  if (padding !== undefined) masks.push(behind(padding, values.shape[0], capacity));
  const output = attention(kernel, all, { mask: and(...masks), softcap });
  // Only now: a call that throws, or a rehearsal, leaves the cache as it was.
  if (!backend.rehearsing) cache.length += count;
  return output;
}

/** Hides the first tokens of every batch entry. */
function behind(padding: readonly number[], batch: number, capacity: number): Mask {
  const isCount = (count: number): boolean => Number.isInteger(count) && count >= 0 && count <= capacity;
  if (padding.length === batch && padding.every(isCount))
    return lengths({ keys: padding.map((count) => capacity - count), padding: "left" });
  throw new ArgumentError({
    where: "decode",
    argument: "padding",
    wanted: `${batch} whole numbers from 0 to ${capacity}`,
    got: `[${padding.join(", ")}]`,
  });
}

function append(argument: string, room: Tensor, part: Tensor | undefined, start: number): void {
  const [batch, heads, , width] = room.shape;
  if (
    part === undefined ||
    part.shape.length !== 4 ||
    !sameShape([part.shape[0], part.shape[1], part.shape[3]], [batch, heads, width])
  ) {
    throw new ShapeError({
      where: "decode",
      argument,
      wanted: `[${batch}, ${heads}, n, ${width}], as the cache`,
      got: part === undefined ? "nothing" : formatShape(part.shape),
    });
  }
  write(room, part, 2, start);
}

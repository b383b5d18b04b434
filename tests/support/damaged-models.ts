import { plainly } from "./plain-numbers.js";
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import { AttentionKernelsError, type Random } from "../../src/index.js";
import { dissectHead } from "../../src/analysis/index.js";
import {
  countHeads,
  encodeSafetensors,
  findAttention,
  openSafetensors,
  readProjection,
  type ByteSource,
  type StoredTensors,
} from "../../src/weights/index.js";
import { errorOf, within } from "./attack.js";
import { layouts } from "./model-names.js";

/** Longest that any file of these may keep the library busy, on a machine with other work. */
export const SLOW_MS = 20_000;

const HEADER = 8;
const support = (name: string): Uint8Array => readFileSync(new URL(`../support/${name}`, import.meta.url));

/** A BERT of one layer, two heads of three columns. */
export const bert = encodeSafetensors(
  Object.fromEntries(
    Object.values(layouts.bert(0)).map((name, at) => [
      name,
      { shape: [6, 6], data: Float32Array.from({ length: 36 }, (_, place) => Math.sin(place + at)) },
    ]),
  ),
  { format: "pt" },
);

export const models: Readonly<Record<string, Uint8Array>> = {
  reference: support("reference.safetensors"),
  "half a model": support("nanogpt-half.safetensors"),
  bert,
};

const headerOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(
    bytes.subarray(HEADER, HEADER + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))),
  );

/** A file with another header, whose length is right. */
export function withHeader(text: string, numbers: Uint8Array, length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(HEADER + json.length + numbers.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, HEADER);
  bytes.set(numbers, HEADER + json.length);
  return bytes;
}

const numbersOf = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray(HEADER + new TextEncoder().encode(headerOf(bytes)).length);

/** A file in parts, which sees to it that no part is asked for that is not there. */
function sourceOf(bytes: Uint8Array): ByteSource {
  return {
    name: "model",
    size: bytes.length,
    read(begin, end) {
      if (!(begin >= 0 && begin <= end && end <= bytes.length))
        throw new Error(`asked for bytes ${begin} to ${end} of ${bytes.length}`);
      return Promise.resolve(bytes.subarray(begin, end));
    },
  };
}

interface Told {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** What was opened is what the file says, every tensor of it. */
async function expectAsWritten(bytes: Uint8Array, { tensors, read }: StoredTensors): Promise<void> {
  const told = new Map(
    Object.entries(JSON.parse(headerOf(bytes)) as Record<string, Told>).filter(([name]) => name !== "__metadata__"),
  );
  expect([...tensors.keys()].sort()).toEqual([...told.keys()].sort());
  const start = bytes.length - numbersOf(bytes).length;
  for (const [
    name,
    {
      dtype,
      shape,
      data_offsets: [begin, end],
    },
  ] of told) {
    expect(tensors.get(name)).toMatchObject({ dtype, shape, begin: start + begin, end: start + end });
    const wanted = plainly(
      bytes,
      dtype,
      start + begin,
      shape.reduce((a, b) => a * b, 1),
    );
    if (wanted !== undefined) expect(Array.from(await read(name))).toEqual(wanted);
    else expect(await errorOf(() => read(name))).toBeInstanceOf(AttentionKernelsError);
  }
}

/** Whether a file was read; the library's own error where not. */
export async function opens(bytes: Uint8Array): Promise<boolean> {
  let opened: StoredTensors | undefined;
  const error = await within(
    "opening",
    errorOf(async () => (opened = await openSafetensors(sourceOf(bytes)))),
    SLOW_MS,
  );
  if (opened === undefined) {
    expect(error).toBeInstanceOf(AttentionKernelsError);
    expect((error as Error).message.length).toBeLessThan(2000);
    return false;
  }
  await within("reading", expectAsWritten(bytes, opened), SLOW_MS);
  return true;
}

/** Down to what a study asks of a model: own errors, or finite numbers. */
export async function dissects(weights: StoredTensors, configuration: unknown): Promise<void> {
  const error = await errorOf(async () => {
    const attention = findAttention(weights);
    const { layers } = countHeads(attention, undefined, configuration);
    layers.forEach(({ heads }, at) => expect(attention.layers[at].query.rows % heads).toBe(0));
    const [query, key] = [
      await readProjection(weights, attention, 0, "query"),
      await readProjection(weights, attention, 0, "key"),
    ];
    for (const value of dissectHead(query, key).singularValues) expect(Number.isFinite(value)).toBe(true);
  });
  if (error !== undefined) expect(error).toBeInstanceOf(AttentionKernelsError);
}

/** What stands in a header where something else is expected. */
export const hostile: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  2 ** 53,
  2 ** 32,
  "",
  "F32",
  "F31",
  "__proto__",
  "toString",
  "constructor",
  [],
  [[]],
  {},
  { length: 2 },
  [0, 0],
  [1, 1e15],
  [-1, 4],
  ["0", "4"],
  [0, 4, 8],
  new Array(1000).fill(0),
  { toString: 1, valueOf: 2 },
];
export const names = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "",
  "\u0000",
  "a.b",
  "../up",
  "x".repeat(100_000),
  "\ud800",
  "🦊",
  "length",
  "__metadata__ ",
];

const pick = <Item>(stream: Random, items: readonly Item[]): Item => items[stream.integer(items.length)];

/** A JSON tree with one of its places replaced, renamed or removed. */
export function edited(stream: Random, tree: unknown): unknown {
  if (typeof tree !== "object" || tree === null || stream.uniform() < 0.25) return pick(stream, hostile);
  if (Array.isArray(tree)) {
    const at = stream.integer(tree.length + 1);
    const kind = stream.integer(3);
    if (kind === 0)
      return [...(tree.slice(0, at) as unknown[]), pick(stream, hostile), ...(tree.slice(at) as unknown[])];
    if (kind === 1) return tree.filter((_, place) => place !== at) as unknown[];
    return (tree as unknown[]).map((item, place) => (place === at ? edited(stream, item) : item));
  }
  const entries = Object.entries(tree as Record<string, unknown>);
  const at = stream.integer(Math.max(1, entries.length));
  const kind = stream.integer(4);
  const changed = entries.map(([name, value], place): [string, unknown] =>
    place !== at ? [name, value] : kind === 0 ? [pick(stream, names), value] : [name, edited(stream, value)],
  );
  if (kind === 1) changed.push([pick(stream, names), entries[at]?.[1]]);
  return Object.fromEntries(kind === 2 ? entries.filter((_, place) => place !== at) : changed);
}

type Mutation = (stream: Random, bytes: Uint8Array) => Uint8Array;

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const flipped = (stream: Random, bytes: Uint8Array, first: number, last: number): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  for (let flips = 1 + stream.integer(4); flips > 0; flips--)
    changed[first + stream.integer(last - first)] ^= 1 << stream.integer(8);
  return changed;
};
const headerEnd = (bytes: Uint8Array): number => bytes.length - numbersOf(bytes).length;

export const mutations: Readonly<Record<string, Mutation>> = {
  "bits of the header": (stream, bytes) => flipped(stream, bytes, HEADER, headerEnd(bytes)),
  "bits of the length": (stream, bytes) => flipped(stream, bytes, 0, HEADER),
  "bits of the numbers": (stream, bytes) => flipped(stream, bytes, headerEnd(bytes), bytes.length),
  "cut short": (stream, bytes) => bytes.slice(0, stream.integer(bytes.length)),
  "bytes put in": (stream, bytes) => {
    const at = stream.integer(bytes.length + 1);
    return joined(
      bytes.subarray(0, at),
      Uint8Array.from({ length: 1 + stream.integer(16) }, () => stream.integer(256)),
      bytes.subarray(at),
    );
  },
  "bytes left out": (stream, bytes) => {
    const at = stream.integer(bytes.length);
    return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + stream.integer(16)));
  },
  "a part over another": (stream, bytes) => {
    const changed = Uint8Array.from(bytes);
    const length = 1 + stream.integer(64);
    changed.copyWithin(
      stream.integer(bytes.length),
      stream.integer(bytes.length),
      stream.integer(bytes.length) + length,
    );
    return changed;
  },
  "a letter of the header": (stream, bytes) => {
    const text = headerOf(bytes);
    const at = stream.integer(text.length);
    return withHeader(
      text.slice(0, at) +
        pick(stream, [...'{}[]",:\\0123456789eE.-+ntf\u0000\ufeff']) +
        text.slice(at + stream.integer(2)),
      numbersOf(bytes),
    );
  },
  "a place in the header": (stream, bytes) =>
    withHeader(JSON.stringify(edited(stream, JSON.parse(headerOf(bytes)))), numbersOf(bytes)),
  "the length": (stream, bytes) => {
    const changed = Uint8Array.from(bytes);
    new DataView(changed.buffer).setBigUint64(
      0,
      pick(stream, [
        0n,
        1n,
        2n,
        2n ** 31n,
        2n ** 32n,
        2n ** 53n,
        2n ** 63n,
        2n ** 64n - 1n,
        BigInt(bytes.length),
        BigInt(bytes.length - HEADER),
      ]),
      true,
    );
    return changed;
  },
};

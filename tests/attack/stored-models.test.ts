import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AttentionKernelsError,
  countHeads,
  dissectHead,
  encodeSafetensors,
  findAttention,
  openSafetensors,
  openShardedSafetensors,
  readProjection,
  type ByteSource,
  type Random,
  type StoredTensors,
} from "../../src/index.js";
import { openModel } from "../../src/studies/dissect/open.js";
import { drawn, errorOf, sized, within } from "../support/attack.js";
import { layouts } from "../support/model-names.js";

/** Longest that any file of these may keep the library busy, on a machine with other work. */
const SLOW_MS = 20_000;

const HEADER = 8;
const support = (name: string): Uint8Array => readFileSync(new URL(`../support/${name}`, import.meta.url));

/** A BERT of one layer, two heads of three columns. */
const bert = encodeSafetensors(
  Object.fromEntries(
    Object.values(layouts.bert(0)).map((name, at) => [
      name,
      { shape: [6, 6], data: Float32Array.from({ length: 36 }, (_, place) => Math.sin(place + at)) },
    ]),
  ),
  { format: "pt" },
);

const models: Readonly<Record<string, Uint8Array>> = {
  reference: support("reference.safetensors"),
  "half a model": support("nanogpt-half.safetensors"),
  bert,
};

const headerOf = (bytes: Uint8Array): string =>
  new TextDecoder().decode(
    bytes.subarray(HEADER, HEADER + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))),
  );

/** A file with another header, whose length is right. */
function withHeader(text: string, numbers: Uint8Array, length?: bigint): Uint8Array {
  const json = new TextEncoder().encode(text);
  const bytes = new Uint8Array(HEADER + json.length + numbers.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, HEADER);
  bytes.set(numbers, HEADER + json.length);
  return bytes;
}

const numbersOf = (bytes: Uint8Array): Uint8Array =>
  bytes.subarray(HEADER + new TextEncoder().encode(headerOf(bytes)).length);

/** What a half-precision number is. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** The numbers of a tensor, read in the plainest way; undefined for types that are not floats. */
function plainly(bytes: Uint8Array, dtype: string, begin: number, count: number): number[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + begin);
  const brain = new DataView(new ArrayBuffer(4));
  const readers: Readonly<Record<string, (at: number) => number>> = {
    F64: (at) => view.getFloat64(8 * at, true),
    F32: (at) => view.getFloat32(4 * at, true),
    F16: (at) => half(view.getUint16(2 * at, true)),
    BF16: (at) => (brain.setUint32(0, view.getUint16(2 * at, true) << 16), brain.getFloat32(0)),
  };
  return dtype in readers ? Array.from({ length: count }, (_, at) => readers[dtype](at)) : undefined;
}

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
async function opens(bytes: Uint8Array): Promise<boolean> {
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
async function dissects(weights: StoredTensors, configuration: unknown): Promise<void> {
  const error = await errorOf(async () => {
    const attention = findAttention(weights.tensors);
    const { heads } = countHeads(attention.headsWidth, undefined, configuration);
    expect(attention.headsWidth % heads).toBe(0);
    const [query, key] = [
      await readProjection(weights, attention, 0, "query"),
      await readProjection(weights, attention, 0, "key"),
    ];
    for (const value of dissectHead(query, key).singularValues) expect(Number.isFinite(value)).toBe(true);
  });
  if (error !== undefined) expect(error).toBeInstanceOf(AttentionKernelsError);
}

/** What stands in a header where something else is expected. */
const hostile: readonly unknown[] = [
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
const names = [
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
function edited(stream: Random, tree: unknown): unknown {
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

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
const flipped = (stream: Random, bytes: Uint8Array, first: number, last: number): Uint8Array => {
  const changed = Uint8Array.from(bytes);
  for (let flips = 1 + stream.integer(4); flips > 0; flips--)
    changed[first + stream.integer(last - first)] ^= 1 << stream.integer(8);
  return changed;
};
const headerEnd = (bytes: Uint8Array): number => bytes.length - numbersOf(bytes).length;

const mutations: Readonly<Record<string, Mutation>> = {
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

describe.each(Object.entries(models))("a damaged file, %s", (model, bytes) => {
  it.each(Object.entries(mutations))(
    "%s: the tensors that it says, or the library's own error",
    async (title, mutate) => {
      const stream = drawn(`${model} ${title}`);
      let read = 0;
      for (let round = 0; round < sized(12, 200); round++) {
        const changed = mutate(stream, bytes);
        if (await opens(changed)) read++;
        const weights = await openSafetensors(changed).catch(() => undefined);
        if (weights !== undefined && model === "bert") await dissects(weights, {});
      }
      // numbers have no checksum: every file is read
      if (title === "bits of the numbers") expect(read).toBe(sized(12, 200));
    },
  );
});

describe("a hostile header", () => {
  const good = (begin: number, end: number): object => ({
    dtype: "F32",
    shape: [(end - begin) / 4],
    data_offsets: [begin, end],
  });
  const eight = new Uint8Array(8);
  const places: Readonly<Record<string, (value: unknown) => unknown>> = {
    "the header": (value) => value,
    "an entry": (value) => ({ a: value }),
    dtype: (value) => ({ a: { ...good(0, 8), dtype: value } }),
    shape: (value) => ({ a: { ...good(0, 8), shape: value } }),
    extent: (value) => ({ a: { ...good(0, 8), shape: [value] } }),
    offsets: (value) => ({ a: { ...good(0, 8), data_offsets: value } }),
    begin: (value) => ({ a: { ...good(0, 8), data_offsets: [value, 8] } }),
    end: (value) => ({ a: { ...good(0, 8), data_offsets: [0, value] } }),
    metadata: (value) => ({ __metadata__: value, a: good(0, 8) }),
    "an entry of the metadata": (value) => ({ __metadata__: { a: value }, a: good(0, 8) }),
  };
  it.each(Object.entries(places))("%s of any kind: read as it stands, or refused", async (_, place) => {
    for (const value of hostile) await opens(withHeader(JSON.stringify(place(value)), eight));
  });

  it("names that every object has, and strange ones, are names like others", async () => {
    for (const name of names)
      expect(await opens(withHeader(`{${JSON.stringify(name)}: ${JSON.stringify(good(0, 8))}}`, eight))).toBe(true);
    const all = names.map((name, at) => `${JSON.stringify(name)}: ${JSON.stringify(good(4 * at, 4 * at + 4))}`);
    expect(await opens(withHeader(`{${all.join()}}`, new Uint8Array(4 * names.length)))).toBe(true);
  });

  const refused: Readonly<Record<string, () => Uint8Array>> = {
    "objects in objects": () => withHeader('{"a":'.repeat(sized(100_000, 2_000_000)), eight),
    "arrays in a shape": () =>
      withHeader(
        `{"a": {"dtype": "F32", "shape": ${"[".repeat(100_000)}${"]".repeat(100_000)}, "data_offsets": [0, 8]}}`,
        eight,
      ),
    "a number of a million digits": () =>
      withHeader(`{"a": {"dtype": "F32", "shape": [${"9".repeat(1_000_000)}], "data_offsets": [0, 8]}}`, eight),
    "a name that is never closed": () => withHeader(`{"${"a".repeat(1_000_000)}`, eight),
    "escapes without end": () => withHeader(`{"a": "${"\\u0000".repeat(200_000)}`, eight),
    "a shape whose product is infinite": () =>
      withHeader(
        JSON.stringify({ a: { dtype: "F32", shape: new Array(200).fill(2 ** 50), data_offsets: [0, 8] } }),
        eight,
      ),
    "a shape whose product is zero times infinity": () =>
      withHeader(
        JSON.stringify({
          a: { dtype: "F32", shape: [...new Array<number>(200).fill(2 ** 50), 0], data_offsets: [0, 8] },
        }),
        eight,
      ),
    "tensors that overlap": () => withHeader(JSON.stringify({ a: good(0, 8), b: good(4, 8) }), eight),
    "a tensor twice in the same place": () => withHeader(JSON.stringify({ a: good(0, 8), b: good(0, 8) }), eight),
    "a hole": () => withHeader(JSON.stringify({ a: good(4, 8) }), eight),
    "offsets that wrap": () =>
      withHeader(JSON.stringify({ a: { dtype: "F32", shape: [2], data_offsets: [2 ** 53 - 9, 2 ** 53 - 1] } }), eight),
    "a name twice": () => withHeader(`{"a": ${JSON.stringify(good(0, 4))}, "a": ${JSON.stringify(good(4, 8))}}`, eight),
    "a name twice, escaped": () =>
      withHeader(`{"a": ${JSON.stringify(good(0, 4))}, "\\u0061": ${JSON.stringify(good(4, 8))}}`, eight),
    "a field twice": () =>
      withHeader('{"a": {"dtype": "F32", "dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}', eight),
    "__proto__ twice": () =>
      withHeader(`{"__proto__": ${JSON.stringify(good(0, 4))}, "__proto__": ${JSON.stringify(good(4, 8))}}`, eight),
    "a field from __proto__": () =>
      withHeader('{"a": {"__proto__": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}}', eight),
    "two headers": () => withHeader(`${JSON.stringify({ a: good(0, 8) })}{}`, eight),
    "a comment": () => withHeader(`{/* */"a": ${JSON.stringify(good(0, 8))}}`, eight),
    "UTF-16": () =>
      joined(
        withHeader("", new Uint8Array(0), 40n),
        new Uint8Array(Buffer.from('{"a": 1}'.padEnd(20), "utf16le")),
        eight,
      ),
    nothing: () => new Uint8Array(0),
    "zeros alone": () => new Uint8Array(1024),
    "bytes of 255 alone": () => new Uint8Array(1024).fill(255),
  };
  it.each(Object.entries(refused))("%s is refused at once", async (_, make) => {
    expect(await opens(make())).toBe(false);
  });

  it("very many tensors are read in time that grows with them", async () => {
    const count = sized(20_000, 200_000);
    const entry = JSON.stringify({ dtype: "F32", shape: [0], data_offsets: [0, 0] });
    const opened = await within(
      "opening",
      openSafetensors(
        withHeader(`{${Array.from({ length: count }, (_, at) => `"t${at}": ${entry}`).join()}}`, new Uint8Array(0)),
      ),
      SLOW_MS,
    );
    expect(opened.tensors.size).toBe(count);
  });
});

describe("a model on disk", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "attack-models-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("a damaged index, shard or configuration: the same numbers, or the library's own error", async () => {
    const stream = drawn("a model on disk");
    const weightMap = Object.fromEntries(Object.values(layouts.bert(0)).map((name) => [name, "one.safetensors"]));
    const index = { metadata: { total_size: 576 }, weight_map: weightMap };
    const configuration = { num_attention_heads: 2, model_type: "bert" };
    const whole = await openShardedSafetensors(JSON.stringify(index), () => Promise.resolve(bert));
    for (let round = 0; round < sized(40, 600); round++) {
      const kind = stream.integer(3);
      await writeFile(
        join(folder, "one.safetensors"),
        kind === 0 ? mutations["bits of the header"](stream, bert) : bert,
      );
      await writeFile(
        join(folder, "model.safetensors.index.json"),
        JSON.stringify(kind === 1 ? edited(stream, index) : index),
      );
      await writeFile(
        join(folder, "config.json"),
        JSON.stringify(kind === 2 ? edited(stream, configuration) : configuration),
      );
      const error = await within(
        "opening",
        errorOf(async () => {
          const { weights, config } = await openModel(folder);
          // kind 0 may rename tensors: what stands in the file counts then
          if (kind > 0)
            for (const name of weights.tensors.keys()) expect(await weights.read(name)).toEqual(await whole.read(name));
          await dissects(weights, config);
        }),
        SLOW_MS,
      );
      if (error !== undefined) expect(error).toBeInstanceOf(AttentionKernelsError);
    }
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AttentionKernelsError } from "../../src/index.js";
import { openSafetensors, openShardedSafetensors } from "../../src/weights/index.js";
import { openModel } from "../../src/studies/stored/open.js";
import { drawn, errorOf, sized, within } from "../support/attack.js";
import { layouts } from "../support/model-names.js";
import {
  SLOW_MS,
  bert,
  models,
  withHeader,
  opens,
  dissects,
  hostile,
  names,
  edited,
  joined,
  mutations,
} from "../support/damaged-models.js";

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

import { describe, expect, it } from "vitest";
import { ArgumentError, cpu, DataError, random, softmax } from "../../src/index.js";
import { encoder } from "../../src/nn/index.js";
import {
  countHeads,
  encodeSafetensors,
  findAttention,
  openSafetensors,
  readProjection,
  type AttentionWeights,
  type FindOptions,
  type TensorToStore,
} from "../../src/weights/index.js";
import { mapTree } from "../../src/core/tree.js";
import { isTensor } from "../../src/core/is-tensor.js";
import { tensorsIn } from "../../src/core/tensor.js";
import { layouts } from "../support/model-names.js";

const PROJECTIONS = ["query", "key", "value", "output"] as const;

/** Two layers of one layout: query and key of [rows, width], and more tensors as real files have. */
function model(
  layout: keyof typeof layouts,
  prefix: string,
  change: Readonly<Record<string, TensorToStore | undefined>> = {},
  rows = 4,
  width = 6,
): Uint8Array<ArrayBuffer> {
  const tensors: Record<string, TensorToStore> = {
    [`${prefix}embeddings.word_embeddings.weight`]: { shape: [3, width], data: new Float32Array(3 * width) },
  };
  for (const layer of [1, 0]) {
    const names = layouts[layout](layer);
    PROJECTIONS.forEach((projection, kind) => {
      const shape = projection === "output" ? [width, rows] : [rows, width];
      tensors[prefix + names[projection]] = {
        shape,
        data: Float32Array.from({ length: rows * width }, (_, at) => 1000 * layer + 100 * kind + at),
      };
      tensors[prefix + names[projection].replace("weight", "bias")] = { shape: [rows], data: new Float32Array(rows) };
    });
  }
  for (const [name, tensor] of Object.entries(change)) {
    if (tensor === undefined) delete tensors[name];
    else tensors[name] = tensor;
  }
  return encodeSafetensors(tensors);
}

const find = async (bytes: Uint8Array<ArrayBuffer>, options?: FindOptions) =>
  findAttention(await openSafetensors(bytes), options);

describe("findAttention", () => {
  it.each([
    ["bert", "bert."],
    ["bert", "roberta."],
    ["bert", ""],
    ["vit", "vit."],
    ["vit", "deit."],
    ["vit", ""],
  ] as const)("knows the names of %s with prefix %j", async (layout, prefix) => {
    const weights = await openSafetensors(model(layout, prefix));
    const attention = findAttention(weights);
    expect(attention.prefix).toBe(`${prefix}encoder.layer.{}.`);
    for (const layer of [0, 1]) {
      for (const [kind, projection] of PROJECTIONS.entries()) {
        expect(attention.layers[layer][projection]?.names).toEqual([prefix + layouts[layout](layer)[projection]]);
        const matrix = await readProjection(weights, attention, layer, projection);
        expect([matrix.length, matrix[0].length]).toEqual(projection === "output" ? [6, 4] : [4, 6]);
        expect(matrix[1][2]).toBe(1000 * layer + 100 * kind + matrix[1].length + 2);
      }
    }
  });

  it("knows the names of this library's encoder, stored the other way round", async () => {
    const parameters = encoder({
      kernel: softmax(),
      vocabulary: 5,
      classes: 2,
      tokens: 3,
      width: 8,
      heads: 2,
    }).initialize(cpu, random(1));
    const tensors: Record<string, TensorToStore> = {};
    const numbers = await Promise.all(tensorsIn(parameters).map((tensor) => tensor.read()));
    mapTree(
      parameters,
      isTensor,
      ({ shape }, path) => (tensors[path.join(".")] = { shape, data: numbers[Object.keys(tensors).length] }),
    );
    const weights = await openSafetensors(encodeSafetensors(tensors));
    const attention = findAttention(weights);
    expect(attention.prefix).toBe("layers.{}.");
    const key = await parameters.layers[1].attention.key.read();
    expect((await readProjection(weights, attention, 1, "key")).map((row) => [...row])).toEqual(
      Array.from({ length: 8 }, (_, row) => Array.from({ length: 8 }, (_column, column) => key[8 * column + row])),
    );
  });

  const query1 = `bert.${layouts.bert(1).query}`;
  it.each([
    [
      "a missing projection",
      { [query1]: undefined },
      /wanted query, key, value, output of layer 1 under "bert\.encoder\.layer\.\{\}\.", got no query/,
    ],
    [
      "a layer with a query alone",
      { [`bert.${layouts.bert(3).query}`]: { shape: [4, 6], data: new Float32Array(24) } },
      /of layer 3 under .*, got no key, value, output/,
    ],
    [
      "fewer queries than keys",
      { [query1]: { shape: [2, 6], data: new Float32Array(12) } },
      /wanted keys \[2, 6\], or fewer heads of them, in bert\.encoder\.layer\.1.*got \[4, 6\]/,
    ],
    [
      "a vector for a matrix",
      { [`bert.${layouts.bert(0).query}`]: { shape: [24], data: new Float32Array(24) } },
      /wanted a matrix in .*got \[24\]/,
    ],
  ])("refuses %s", async (_, change, message) => {
    await expect(find(model("bert", "bert.", change))).rejects.toThrow(message);
    await expect(find(model("bert", "bert.", change))).rejects.toThrow(DataError);
  });

  it("refuses files without attention, and asks which of several encoders", async () => {
    await expect(find(encodeSafetensors({ x: { shape: [1], data: [1] } }))).rejects.toThrow(
      /wanted attention layers named as in BERT/,
    );
    const [a, b] = [
      await openSafetensors(model("bert", "text.")),
      await openSafetensors(model("vit", "image.", {}, 8, 8)),
    ];
    const both = { tensors: new Map([...a.tensors, ...b.tensors]) };
    expect(() => findAttention(both)).toThrow(
      new RegExp(
        String.raw`prefix: wanted the start of one of "text\.encoder\.layer\.\{\}\.", "image\..*", ` +
          "got none, with 2 stacks of layers",
      ),
    );
    expect(() => findAttention(both, { prefix: "sound." })).toThrow(ArgumentError);
    expect(findAttention(both, { prefix: "image." }).layers[0].query.columns).toBe(8);
  });

  it("refuses numbers that are not finite", async () => {
    const weights = await openSafetensors(
      model("bert", "bert.", { [query1]: { shape: [4, 6], data: new Float32Array(24).fill(NaN, 5, 6) } }),
    );
    await expect(readProjection(weights, findAttention(weights), 1, "query")).rejects.toThrow(
      /layer\.1.*wanted finite numbers, got NaN at index 5/,
    );
  });
});

/** Layers whose queries and keys have so many rows, 768 numbers wide. */
const layersOf = (
  prefix: string,
  ...rows: readonly (readonly [query: number, key: number, label?: string, heads?: number])[]
): AttentionWeights => ({
  prefix,
  layers: rows.map(([query, key, label = "0", heads]) => {
    const matrix = { names: ["w"], columns: 768, transposed: false, first: 0, total: 1 };
    return { label, query: { ...matrix, rows: query }, key: { ...matrix, rows: key }, heads };
  }),
});

describe("countHeads", () => {
  const one = layersOf("", [768, 768]);
  const count = (...given: Parameters<typeof countHeads>): readonly unknown[] => {
    const { layers, source } = countHeads(...given);
    return [source, ...layers.map(({ heads, keyHeads }) => [heads, keyHeads])];
  };

  it("takes the given number, the file's, or the configuration's", () => {
    expect(count(one, 8, { num_attention_heads: 16 })).toEqual(["given", [8, 8]]);
    expect(count(layersOf("", [768, 768, "0", 4]), undefined, { n_head: 16 })).toEqual(["file", [4, 4]]);
    for (const name of ["num_attention_heads", "num_heads", "n_heads", "n_head"])
      expect(count(one, undefined, { [name]: 16 })).toEqual(["configuration", [16, 16]]);
  });

  it("knows grouped heads, stages, and configurations of several models", () => {
    const grouped = { num_attention_heads: 12, num_key_value_heads: 4 };
    expect(count(layersOf("", [768, 256]), undefined, grouped)).toEqual(["configuration", [12, 4]]);
    const stages = layersOf("", [96, 96, "0.0"], [96, 96, "0.1"], [192, 192, "1.0"]);
    expect(count(stages, undefined, { num_heads: [3, 6] })).toEqual(["configuration", [3, 3], [3, 3], [6, 6]]);
    const clip = { text_config: { num_attention_heads: 8 }, vision_config: { num_attention_heads: 12 } };
    expect(count(layersOf("text_model.", [768, 768]), undefined, clip)[1]).toEqual([8, 8]);
    expect(count(layersOf("vision_model.", [768, 768]), undefined, clip)[1]).toEqual([12, 12]);
    const bart = { encoder_attention_heads: 12, decoder_attention_heads: 16 };
    expect(count(layersOf("model.decoder.", [768, 768]), undefined, bart)[1]).toEqual([16, 16]);
  });

  it("asks where nobody says the number, and takes none for granted", () => {
    expect(() => countHeads(one)).toThrow(ArgumentError);
    expect(() => countHeads(one, undefined, { num_attention_heads: null })).toThrow(
      /^countHeads: heads: wanted the number of heads of layers whose W_q is \[768, 768\], got none/,
    );
    expect(() => countHeads(one, undefined, {})).not.toThrow(/--/);
  });

  it("refuses numbers that do not fit", () => {
    expect(() => countHeads(one, 7)).toThrow(/wanted a divisor of 768, .* got 7 \(given\)/);
    expect(() => countHeads(one, undefined, { num_attention_heads: "12" })).toThrow(DataError);
    expect(() => countHeads(one, undefined, { num_heads: [] })).toThrow(DataError);
    expect(() => countHeads(layersOf("", [768, 768, "0", 4]), 8)).toThrow(/wanted 4 heads, as the file has/);
    expect(() => countHeads(layersOf("", [768, 256]), 2)).toThrow(/divides the 256 rows of the keys into groups/);
    expect(() =>
      countHeads(layersOf("", [768, 256]), undefined, { num_attention_heads: 12, num_key_value_heads: 6 }),
    ).toThrow(/wanted 4 heads of keys.* got 6/);
  });
});

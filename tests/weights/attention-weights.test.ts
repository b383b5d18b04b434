import { describe, expect, it } from "vitest";
import { countHeads, findAttention, readProjection } from "../../src/weights/attention-weights.js";
import { ArgumentError, cpu, DataError, random, softmax } from "../../src/index.js";
import { encoder } from "../../src/nn/index.js";
import { encodeSafetensors, openSafetensors, type TensorToStore } from "../../src/weights/index.js";
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

const find = async (bytes: Uint8Array<ArrayBuffer>, prefix?: string) =>
  findAttention((await openSafetensors(bytes)).tensors, prefix);

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
    const attention = findAttention(weights.tensors);
    expect(attention).toMatchObject({ prefix, width: 6, headsWidth: 4, transposed: false });
    for (const layer of [0, 1]) {
      for (const [kind, projection] of PROJECTIONS.entries()) {
        expect(attention.layers[layer][projection]).toBe(prefix + layouts[layout](layer)[projection]);
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
    const attention = findAttention(weights.tensors);
    expect(attention).toMatchObject({ prefix: "", width: 8, headsWidth: 8, transposed: true });
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
      /wanted query, key, value and output of layer 1 of 2 under "bert.encoder.layer.", got no query/,
    ],
    [
      "a layer left out",
      { [`bert.${layouts.bert(3).query}`]: { shape: [4, 6], data: new Float32Array(24) } },
      /of layer 2 of 3/,
    ],
    [
      "a shape unlike the others",
      { [query1]: { shape: [2, 6], data: new Float32Array(12) } },
      /wanted a matrix \[4, 6\] in bert\.encoder\.layer\.1.*got \[2, 6\]/,
    ],
    [
      "a vector for a matrix",
      { [`bert.${layouts.bert(0).query}`]: { shape: [24], data: new Float32Array(24) } },
      /wanted a matrix {2}in .*got \[24\]/,
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
    const both = new Map([...a.tensors, ...b.tensors]);
    expect(() => findAttention(both)).toThrow(
      /prefix: wanted one of "text\.", "image\.", got none, with several encoders/,
    );
    expect(() => findAttention(both, "sound.")).toThrow(ArgumentError);
    expect(findAttention(both, "image.").width).toBe(8);
  });

  it("refuses numbers that are not finite", async () => {
    const weights = await openSafetensors(
      model("bert", "bert.", { [query1]: { shape: [4, 6], data: new Float32Array(24).fill(NaN, 5, 6) } }),
    );
    await expect(readProjection(weights, findAttention(weights.tensors), 1, "query")).rejects.toThrow(
      /layer\.1.*wanted finite numbers, got NaN at index 5/,
    );
  });
});

it("the number of heads is given, or the configuration's, or one for 64 columns", () => {
  expect(countHeads(768)).toEqual({ heads: 12, source: "64 a head" });
  expect(countHeads(768, undefined, { num_attention_heads: 16 })).toEqual({ heads: 16, source: "configuration" });
  expect(countHeads(768, 8, { num_attention_heads: 16 })).toEqual({ heads: 8, source: "given" });
  expect(() => countHeads(768, 7)).toThrow(/wanted a divisor of 768, the width of all heads, got 7 \(given\)/);
  expect(() => countHeads(768, undefined, { num_attention_heads: "12" })).toThrow(DataError);
  expect(() => countHeads(96)).toThrow(/got 1.5 \(64 a head\)\. Give the number with --heads/);
});

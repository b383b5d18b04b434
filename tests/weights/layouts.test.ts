import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/index.js";
import {
  countHeads,
  findAttention,
  readProjection,
  type Projection,
  type TensorToStore,
} from "../../src/weights/index.js";
import { layouts } from "../../src/weights/layouts.js";
import { PROJECTIONS, across, entry, fused, fusedAcross, matrix, open, stored } from "../support/stored-layers.js";

type Layer = (layer: number) => Readonly<Record<string, TensorToStore>>;
/** Four matrices by their names; keys and values may have fewer rows. */
const four =
  (
    names: (layer: number) => readonly string[],
    [rows, columns, keys = rows]: readonly number[] = [4, 6],
    store = matrix,
  ): Layer =>
  (layer) =>
    Object.fromEntries(
      names(layer).map((name, kind) => [
        name,
        kind === 3
          ? store(layer, "output", columns, rows)
          : store(layer, PROJECTIONS[kind], kind ? keys : rows, columns),
      ]),
    );
const under =
  (stem: (layer: number) => string, ...names: readonly string[]) =>
  (layer: number) =>
    names.map((name) => stem(layer) + name);

/** Layers 0 and 1 of every family: as it names them, the prefix, and the projections that it has. */
const families: Readonly<Record<string, readonly [layer: Layer, prefix: string, has?: readonly Projection[]]>> = {
  "torch MultiheadAttention": [
    (l) => ({
      [`blocks.${l}.attn.in_proj_weight`]: fused(l, 6, 6),
      [`blocks.${l}.attn.in_proj_bias`]: stored([18], () => 0),
      [`blocks.${l}.attn.out_proj.weight`]: matrix(l, "output", 6, 6),
    }),
    "blocks.{}.attn.",
  ],
  "torch TransformerEncoder": [
    (l) => ({ [`net.encoder.layers.${l}.self_attn.in_proj_weight`]: fused(l, 6, 6) }),
    "net.encoder.layers.{}.self_attn.",
    ["query", "key", "value"],
  ],
  timm: [
    (l) => ({
      [`blocks.${l}.attn.qkv.weight`]: fused(l, 6, 6),
      [`blocks.${l}.attn.proj.weight`]: matrix(l, "output", 6, 6),
    }),
    "blocks.{}.attn.",
  ],
  "GPT-2, by Conv1D": [
    (l) => ({
      [`transformer.h.${l}.attn.c_attn.weight`]: fusedAcross(l, 6, 6),
      [`transformer.h.${l}.attn.c_attn.bias`]: stored([18], () => 0),
      [`transformer.h.${l}.mlp.c_proj.weight`]: stored([24, 6], () => 0),
    }),
    "transformer.h.{}.attn.",
    ["query", "key", "value"],
  ],
  "nanoGPT, by Linear": [
    (l) => ({ [`transformer.h.${l}.attn.c_attn.weight`]: fused(l, 6, 6) }),
    "transformer.h.{}.attn.",
    ["query", "key", "value"],
  ],
  "Llama, with grouped heads": [
    four(
      under((l) => `model.layers.${l}.self_attn.`, "q_proj.weight", "k_proj.weight", "v_proj.weight", "o_proj.weight"),
      [8, 6, 2],
    ),
    "model.layers.{}.self_attn.",
  ],
  CLIP: [
    four(
      under(
        (l) => `text_model.encoder.layers.${l}.self_attn.`,
        "q_proj.weight",
        "k_proj.weight",
        "v_proj.weight",
        "out_proj.weight",
      ),
    ),
    "text_model.encoder.layers.{}.self_attn.",
  ],
  DistilBERT: [
    four(
      under(
        (l) => `distilbert.transformer.layer.${l}.attention.`,
        "q_lin.weight",
        "k_lin.weight",
        "v_lin.weight",
        "out_lin.weight",
      ),
    ),
    "distilbert.transformer.layer.{}.attention.",
  ],
  T5: [
    four(under((l) => `encoder.block.${l}.layer.0.SelfAttention.`, "q.weight", "k.weight", "v.weight", "o.weight")),
    "encoder.block.{}.layer.{}.SelfAttention.",
  ],
  "Tensor2Tensor, as a convolution": [
    (l) => ({
      [`Encode/Layer_${l}/MultiheadAttention/qkv_transform_single/kernel/part_0`]: {
        ...fusedAcross(l, 4, 6),
        shape: [1, 1, 6, 12],
      },
    }),
    "Encode/Layer_{}/MultiheadAttention/",
    ["query", "key", "value"],
  ],
  "queries and keys alone": [
    four(under((l) => `net.${l}.`, "query.weight", "key.weight")),
    "net.{}.",
    ["query", "key"],
  ],
};

describe.each(Object.entries(families))("%s", (_, [layer, prefix, has = PROJECTIONS]) => {
  it("is found, and read as rows", async () => {
    const weights = await open({ ...layer(1), ...layer(0), "head.weight": stored([3, 6], () => 0) });
    const attention = findAttention(weights);
    expect([attention.prefix, ...attention.layers.map(({ label }) => label)]).toEqual([prefix, "0", "1"]);
    for (const projection of PROJECTIONS) {
      if (!has.includes(projection)) {
        await expect(readProjection(weights, attention, 0, projection)).rejects.toThrow(ArgumentError);
        continue;
      }
      for (const at of [0, 1]) {
        const { rows, columns } = attention.layers[at][projection]!;
        const read = await readProjection(weights, attention, at, projection);
        expect([read.length, read[0].length]).toEqual([rows, columns]);
        read.forEach((row, i) => row.forEach((value, j) => expect(value).toBe(entry(at, projection, i, j))));
      }
    }
  });
});

describe("other shapes of layers", () => {
  it("ALBERT has one layer for all", async () => {
    const stem = "albert.encoder.albert_layer_groups.0.albert_layers.0.attention.";
    const albert = four(under(() => stem, "query.weight", "key.weight", "value.weight", "dense.weight"));
    const { layers } = findAttention(await open(albert(0)));
    expect(layers.map(({ label, output }) => [label, output?.names])).toEqual([["0", [`${stem}dense.weight`]]]);
  });

  it("Swin has stages whose widths differ, and a bias with the number of heads", async () => {
    const stages = [
      [0, 0, 6, 2],
      [1, 0, 12, 4],
      [1, 1, 12, 4],
    ] as const;
    const tensors = stages.map(([stage, block, width, heads]) => ({
      [`layers.${stage}.blocks.${block}.attn.qkv.weight`]: fused(stage, width, width),
      [`layers.${stage}.blocks.${block}.attn.relative_position_bias_table`]: stored([9, heads], () => 0),
    }));
    const attention = findAttention(await open(Object.assign({}, ...tensors) as Record<string, TensorToStore>));
    expect(attention.layers.map(({ label, query }) => [label, query.rows, query.columns])).toEqual([
      ["0.0", 6, 6],
      ["1.0", 12, 12],
      ["1.1", 12, 12],
    ]);
    expect(countHeads(attention)).toEqual({
      source: "file",
      layers: [2, 4, 4].map((heads) => ({ heads, keyHeads: heads })),
    });
  });

  it("T5 has a bias for each head in its first layer alone", async () => {
    const layer = families["T5"][0];
    const bias = { "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": stored([32, 2], () => 0) };
    expect(countHeads(findAttention(await open({ ...layer(0), ...layer(1), ...bias })))).toEqual({
      source: "file",
      layers: [2, 2].map((heads) => ({ heads, keyHeads: heads })),
    });
  });

  it("every head may have its own matrix, in the order of their numbers", async () => {
    const names = ["query", "key", "value"] as const;
    const tensors = [10, 9, 2].flatMap((head) =>
      names.map((name) => [`blocks.0.sa.heads.${head}.${name}.weight`, stored([2, 6], () => head)] as const),
    );
    const weights = await open(Object.fromEntries(tensors));
    const attention = findAttention(weights);
    expect(countHeads(attention)).toEqual({ source: "file", layers: [{ heads: 3, keyHeads: 3 }] });
    const keys = await readProjection(weights, attention, 0, "key");
    expect(keys.map(([first]) => first)).toEqual([2, 2, 9, 9, 10, 10]);
  });

  it("Flax keeps heads apart, and says their number", async () => {
    const stem = "Transformer/encoderblock_0/MultiHeadDotProductAttention_1/";
    const across3 = (projection: Projection) => ({ ...across(0, projection, 4, 6), shape: [6, 2, 2] });
    const weights = await open({
      [`${stem}query/kernel`]: across3("query"),
      [`${stem}key/kernel`]: across3("key"),
      [`${stem}value/kernel`]: across3("value"),
      [`${stem}out/kernel`]: { ...across(0, "output", 6, 4), shape: [2, 2, 6] },
    });
    const attention = findAttention(weights);
    expect(countHeads(attention).layers).toEqual([{ heads: 2, keyHeads: 2 }]);
    for (const projection of PROJECTIONS)
      (await readProjection(weights, attention, 0, projection)).forEach((row, i) =>
        row.forEach((value, j) => expect(value).toBe(entry(0, projection, i, j))),
      );
  });

  it.each([
    ["GPT-NeoX", "gpt_neox.layers.0.attention."],
    ["BLOOM", "transformer.h.0.self_attention."],
  ])("%s has queries, keys and values of a head side by side", async (_, stem) => {
    // [heads, 3, dim] rows
    const [heads, dim, width] = [3, 2, 6];
    const rows = stored([3 * width, width], (row, column) => {
      const [head, part] = [Math.floor(row / (3 * dim)), Math.floor(row / dim) % 3];
      return entry(0, PROJECTIONS[part], head * dim + (row % dim), column);
    });
    const weights = await open({
      [`${stem}query_key_value.weight`]: rows,
      [`${stem}dense.weight`]: matrix(0, "output", width, width),
    });
    const attention = findAttention(weights);
    for (const projection of PROJECTIONS) {
      const read = await readProjection(weights, attention, 0, projection, { heads });
      expect([read.length, read[0].length]).toEqual([width, width]);
      read.forEach((row, i) => row.forEach((value, j) => expect(value).toBe(entry(0, projection, i, j))));
    }
    await expect(readProjection(weights, attention, 0, "query")).rejects.toThrow(/alternate by head, got none/);
    await expect(readProjection(weights, attention, 0, "key", { heads: 4 })).rejects.toThrow(/a divisor of 6.*got 4/);
    const shared = open({ [`${stem}query_key_value.weight`]: stored([width + 2 * dim, width], () => 0) });
    await expect(shared.then((own) => findAttention(own))).rejects.toThrow(/3 times as many rows as columns/);
  });

  it("Phi-3 has fewer keys than queries below them", async () => {
    const stem = "model.layers.0.self_attn.";
    const bounds = [0, 6, 8, 10]; // rows of queries, keys and values
    const qkv = stored([10, 4], (row, column) => {
      const part = bounds.findIndex((_, at) => row < bounds[at + 1]);
      return entry(0, PROJECTIONS[part], row - bounds[part], column);
    });
    const weights = await open({
      [`${stem}qkv_proj.weight`]: qkv,
      [`${stem}o_proj.weight`]: matrix(0, "output", 4, 6),
    });
    const attention = findAttention(weights);
    expect(countHeads(attention, 3).layers).toEqual([{ heads: 3, keyHeads: 1 }]);
    for (const [at, projection] of PROJECTIONS.slice(0, 3).entries()) {
      const read = await readProjection(weights, attention, 0, projection);
      expect(read).toHaveLength(bounds[at + 1] - bounds[at]);
      read.forEach((row, i) => row.forEach((value, j) => expect(value).toBe(entry(0, projection, i, j))));
    }
    const alone = open({ [`${stem}qkv_proj.weight`]: qkv });
    await expect(alone.then((own) => findAttention(own))).rejects.toThrow(/wanted W_o beside .*, got none/);
  });

  it("encoder, decoder and cross-attention are three stacks", async () => {
    const layer = (stem: string): Record<string, TensorToStore> => ({ [`${stem}.in_proj_weight`]: fused(0, 6, 6) });
    const weights = await open({
      ...layer("encoder.layers.0.self_attn"),
      ...layer("decoder.layers.0.self_attn"),
      ...layer("decoder.layers.0.multihead_attn"),
    });
    expect(() => findAttention(weights)).toThrow(/got none, with 3 stacks of layers/);
    expect(() => findAttention(weights, { prefix: "decoder." })).toThrow(/got "decoder\.", with 2 stacks/);
    const { prefix } = findAttention(weights, { prefix: "decoder.layers.{}.multi" });
    expect(prefix).toBe("decoder.layers.{}.multihead_attn.");
  });

  it("a query without a key beside whole layers is no layer", async () => {
    const pool = { "pool.q.weight": stored([6, 6], () => 0), "pool.kv.weight": stored([12, 6], () => 0) };
    expect(findAttention(await open({ ...families["timm"][0](0), ...pool })).prefix).toBe("blocks.{}.attn.");
    await expect(open(pool).then((weights) => findAttention(weights))).rejects.toThrow(/got no key/);
  });
});

it("layouts have either queries and keys or a fused matrix, and no template twice", () => {
  for (const { query, key, fused: all } of layouts) expect([query, key].every(Boolean)).toBe(all === undefined);
  const templates = layouts.flatMap(({ query, key, fused: all }) => [query, key, all].filter(Boolean));
  expect(new Set(templates).size).toBe(templates.length);
});

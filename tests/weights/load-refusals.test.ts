import { describe, expect, it } from "vitest";
import { cpu, gaussian, indices, ops, type Indices, type Tensor } from "../../src/index.js";
import { inputOf, load, run, without } from "../support/loaded.js";
import { storedModels } from "../support/stored-models/index.js";
import type { StoredModel } from "../support/stored-models/shared.js";

describe("refuses", () => {
  const named = (part: string): StoredModel => storedModels.find(({ title }) => title.includes(part))!;
  const changed = (stored: StoredModel, config: object): StoredModel => ({
    ...stored,
    config: { ...stored.config, ...config },
  });
  const [bert, roberta, timm, torch, llama] = [
    "BERT that cl",
    "RoBERTa that cl",
    "timm's ViT",
    "norm post and relu",
    "Llama",
  ].map(named);
  const noTheta = Object.fromEntries(Object.entries(llama.config).filter(([name]) => name !== "rope_theta"));

  it.each<readonly [string, StoredModel, RegExp]>([
    [
      "a missing configuration",
      { ...bert, config: { model_type: "bert" } },
      new RegExp(
        String.raw`heads, epsilon, activation of BERT, .*got none\. Pass the content of config\.json ` +
          String.raw`\(num_attention_heads, layer_norm_eps, hidden_act\)`,
      ),
    ],
    [
      "timm's facts",
      { ...timm, config: {} },
      /heads, epsilon, activation of a vision transformer of timm.*\{ heads: 12, epsilon: 1e-6, activation: "gelu" \}/,
    ],
    [
      "an unknown norm place",
      { ...torch, config: { nhead: 2, activation: "relu", epsilon: 1e-5 } },
      /wanted norm of a TransformerEncoder/,
    ],
    ["a missing theta", { ...llama, config: noTheta }, /wanted theta of Llama/],
    ["an unknown activation", changed(bert, { hidden_act: "mish" }), /config\.hidden_act: wanted gelu, .*got "mish"/],
    ["heads that do not divide", changed(bert, { num_attention_heads: 3 }), /heads: wanted a divisor of 8/],
    [
      "relative positions",
      changed(bert, { position_embedding_type: "relative_key" }),
      /UnsupportedError|position_embedding_type: wanted "absolute"/,
    ],
    [
      "scaled rotary positions",
      changed(llama, { rope_scaling: { rope_type: "yarn" } }),
      /rope_scaling: wanted rotary positions of type default, linear, llama3, got "yarn"/,
    ],
    [
      "rotary positions of another type",
      changed(llama, { rope_parameters: { rope_type: "yarn", rope_theta: 5 } }),
      /rope_parameters: wanted rotary positions of type default, linear, llama3, got "yarn"/,
    ],
    [
      "scaled rotary positions without their numbers",
      changed(llama, { rope_scaling: { rope_type: "llama3", factor: 8 } }),
      /rope_scaling\.low_freq_factor: wanted a number above 0, got null/,
    ],
    [
      "norms of queries in a model of another type",
      changed(named("Qwen3"), { model_type: "llama" }),
      /model_type: wanted "qwen3", got "llama"/,
    ],
    [
      "another model with Llama's names",
      changed(llama, { model_type: "gemma" }),
      /model_type: wanted "llama" or "mistral" or "qwen2", got "gemma"/,
    ],
    [
      "BERT's names without a type",
      {
        ...roberta,
        weights: Object.fromEntries(
          Object.entries(roberta.weights).map(([name, value]) => [name.replace("roberta.", ""), value]),
        ),
        config: { ...roberta.config, model_type: undefined },
      },
      /model_type: wanted "bert" or "roberta"/,
    ],
    [
      "an unknown head",
      changed(bert, { head: "poet" }),
      /config\.head: wanted "classification" or .*"tokens", got "poet"/,
    ],
    [
      "a missing output",
      changed({ ...llama, weights: without(llama, "lm_head.weight") }, {}),
      /the weights of the output.*tie_word_embeddings: true/,
    ],
    [
      "a missing tensor",
      { ...bert, weights: without(bert, "bert.encoder.layer.1.output.dense.bias") },
      /bert|encoder\.layer\.1\.output\.dense\.bias.*no such tensor/,
    ],
    [
      "a tensor that changes the computation",
      { ...timm, weights: { ...timm.weights, "blocks.0.ls1.gamma": { shape: [8], data: new Float32Array(8) } } },
      /also blocks\.0\.ls1\.gamma/,
    ],
    [
      "a bias in one layer",
      {
        ...llama,
        weights: {
          ...llama.weights,
          "model.layers.1.self_attn.q_proj.bias": { shape: [8], data: new Float32Array(8) },
        },
      },
      /layers with the same tensors/,
    ],
    [
      "a matrix of another shape",
      {
        ...bert,
        weights: {
          ...bert.weights,
          "bert.encoder.layer.1.output.dense.weight": { shape: [12, 8], data: new Float32Array(96) },
        },
      },
      /layer\.1\.output\.dense\.weight: wanted \[12, 8\], got \[8, 12\]/,
    ],
    [
      "a file without a transformer",
      { ...bert, weights: { a: { shape: [1], data: [1] } } },
      /a model of BERT, .*got tensors such as "a"/,
    ],
    [
      "NaN",
      {
        ...bert,
        weights: {
          ...bert.weights,
          "bert.embeddings.LayerNorm.bias": { shape: [8], data: new Float32Array(8).fill(NaN) },
        },
      },
      /finite numbers, got NaN/,
    ],
  ])("%s", async (_title, stored, message) => {
    await expect(load(cpu, stored)).rejects.toThrow(message);
  });

  it("inputs that do not fit", async () => {
    const model = await load(cpu, bert);
    const apply = (input: Indices | Tensor): Tensor => model.apply(model.parameters, input);
    expect(() => apply(indices([11], [1, 1]))).toThrow(/indices below 11/);
    expect(() => apply(indices(new Array(8).fill(0), [1, 8]))).toThrow(/1 to 7 tokens/);
    expect(() => apply(cpu.full(1, [1, 3, 4, 4]))).toThrow(/input: wanted ids \[batch, n\]/);
    expect(() => model.generate(model.parameters, [1])).toThrow(/a causal model of ids/);
    const vit = await load(cpu, named("timm's ViT"));
    expect(() => vit.apply(vit.parameters, cpu.full(1, [1, 3, 4, 5]))).toThrow(/patches of 2 a side/);
    expect(() => vit.apply(vit.parameters, cpu.full(1, [1, 3, 8, 8]))).toThrow(/1 to 6 tokens/);
  });

  it("to store what the file has no names for", async () => {
    const model = await load(cpu, bert);
    const { parameters } = model.withKernel(gaussian(), { learn: ["gamma"] });
    await expect(model.store(parameters)).rejects.toThrow(/also layers\.0\.attention\.gamma/);
  });
});

it("tells what it leaves out, and takes the head that it is asked for", async () => {
  const [bert] = storedModels;
  const tokens = await load(cpu, { ...bert, config: { ...bert.config, head: "tokens" } });
  expect(tokens.head).toBeUndefined();
  expect(tokens.unused).toEqual(expect.arrayContaining(["bert.pooler.dense.weight", "classifier.weight"]));
  expect(run(tokens, cpu, bert).shape).toEqual([2, 5, 8]);
});

it("replaces the outputs of heads", async () => {
  const [bert] = storedModels;
  const model = await load(cpu, bert);
  const call = {
    replaceHeads: (layer: number, _: unknown, output: Tensor) => (layer === 1 ? ops.multiply(output, 0) : output),
  };
  const input = inputOf(cpu, bert);
  const changed = await model.apply(model.parameters, input, call).read();
  expect(changed).not.toEqual(await model.apply(model.parameters, input).read());
});

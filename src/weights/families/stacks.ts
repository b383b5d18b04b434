import type { Family } from "../family.js";

/** A stack of torch.nn.TransformerEncoderLayer: vectors in, vectors out. */
export const torch: Family = {
  name: "a TransformerEncoder of PyTorch",
  marks: ["layers.#.self_attn.in_proj_weight"],
  types: [],
  linears: {
    "layers.#.attention.query+key+value": "layers.#.self_attn.in_proj_*",
    "layers.#.attention.output": "layers.#.self_attn.out_proj",
    "layers.#.expand": "layers.#.linear1",
    "layers.#.contract": "layers.#.linear2",
  },
  norms: { "layers.#.attentionNorm": "layers.#.norm1", "layers.#.feedForwardNorm": "layers.#.norm2", "norm?": "norm" },
  tables: {},
  biasOptional: true,
  isPart: true,
  heads: [],
  facts: {
    heads: "nhead",
    epsilon: "layer_norm_eps",
    activation: "activation",
    norm: "norm_first",
    tokens: { is: 2 ** 31 },
  },
  normalization: "layer",
};

const own = {
  types: [],
  linears: {
    ...Object.fromEntries(
      ["query", "key", "value", "output"].map((name) => [
        `layers.#.attention.${name}`,
        `layers.#.attention.${name}|layers.#.attention.${name}Bias`,
      ]),
    ),
    "layers.#.expand": "layers.#.expand",
    "layers.#.contract": "layers.#.contract",
  },
  norms: {
    "embeddingNorm@post": "norm.scale|norm.shift",
    "layers.#.attentionNorm": "layers.#.attentionNorm.scale|layers.#.attentionNorm.shift",
    "layers.#.feedForwardNorm": "layers.#.feedForwardNorm.scale|layers.#.feedForwardNorm.shift",
    "norm@pre": "norm.scale|norm.shift",
  },
  tables: { embedding: "embedding", positions: "positions" },
  columns: true,
  biasOptional: true, // of the projections
  facts: { heads: "heads", epsilon: { is: 1e-5 }, activation: { is: "gelu tanh" }, norm: "norm" },
  normalization: "layer",
} as const satisfies Partial<Family>;

/** This library's `encoder`. */
export const encoder: Family = {
  ...own,
  name: "an encoder of this library",
  marks: ["layers.#.attention.query", "classifier.weight"],
  heads: [{ name: "classification", branches: [{ of: "mean", steps: [{ linear: "classifier" }] }] }],
};

/** This library's `decoder`. */
export const decoder: Family = {
  ...own,
  name: "a decoder of this library",
  marks: ["layers.#.attention.query", "head.weight"],
  heads: [{ name: "next token", branches: [{ of: "each", steps: [{ linear: "head" }] }] }],
  isCausal: true,
};

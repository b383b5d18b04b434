import type { Family } from "../family.js";

import { nextToken } from "./shared.js";

/** GPT-2 (Radford et al., 2019): linear layers stored as [in, out]. */
export const gpt2: Family = {
  name: "GPT-2",
  marks: ["h.#.attn.c_attn.weight"],
  types: ["gpt2"],
  body: ["transformer."],
  linears: {
    "layers.#.attention.query+key+value": "h.#.attn.c_attn",
    "layers.#.attention.output": "h.#.attn.c_proj",
    "layers.#.expand": "h.#.mlp.c_fc",
    "layers.#.contract": "h.#.mlp.c_proj",
  },
  norms: { "layers.#.attentionNorm": "h.#.ln_1", "layers.#.feedForwardNorm": "h.#.ln_2", norm: "ln_f" },
  tables: { embedding: "wte.weight", positions: "wpe.weight" },
  columns: true,
  ignored: /^h\.\d+\.attn\.(?:masked_)?bias$/, // the causal mask
  heads: [nextToken("lm_head")],
  tied: true,
  facts: { heads: "n_head", epsilon: "layer_norm_epsilon", activation: "activation_function", norm: { is: "pre" } },
  normalization: "layer",
  isCausal: true,
  only: {
    scale_attn_weights: [true],
    scale_attn_by_inverse_layer_idx: [false],
    add_cross_attention: [false],
  },
};

/** Llama (arXiv 2302.13971), Mistral and Qwen2: RMS norm, rotary positions, gated layers, grouped heads. */
export const llama: Family = {
  name: "Llama",
  marks: ["layers.#.self_attn.q_proj.weight", "layers.#.mlp.gate_proj.weight"],
  types: ["llama", "mistral", "qwen2"],
  body: ["model."],
  linears: {
    "layers.#.attention.query": "layers.#.self_attn.q_proj",
    "layers.#.attention.key": "layers.#.self_attn.k_proj",
    "layers.#.attention.value": "layers.#.self_attn.v_proj",
    "layers.#.attention.output": "layers.#.self_attn.o_proj",
    "layers.#.gate": "layers.#.mlp.gate_proj",
    "layers.#.expand": "layers.#.mlp.up_proj",
    "layers.#.contract": "layers.#.mlp.down_proj",
  },
  norms: {
    "layers.#.attentionNorm": "layers.#.input_layernorm",
    "layers.#.feedForwardNorm": "layers.#.post_attention_layernorm",
    norm: "norm",
  },
  tables: { embedding: "embed_tokens.weight" },
  biasOptional: true,
  ignored: /^layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/,
  heads: [nextToken("lm_head")],
  facts: {
    heads: "num_attention_heads",
    epsilon: "rms_norm_eps",
    activation: "hidden_act",
    norm: { is: "pre" },
    theta: "rope_theta",
    tokens: "max_position_embeddings",
  },
  normalization: "rms",
  isCausal: true,
  only: {
    partial_rotary_factor: [1],
    sliding_window: [null],
    use_sliding_window: [false],
  },
};

/** Qwen3 (arXiv 2505.09388): Llama with RMS norms of the queries and keys of each head. */
export const qwen3: Family = {
  ...llama,
  name: "Qwen3",
  marks: [...llama.marks, "layers.#.self_attn.q_norm.weight"],
  types: ["qwen3"],
  norms: {
    ...llama.norms,
    "layers.#.queryNorm": "layers.#.self_attn.q_norm",
    "layers.#.keyNorm": "layers.#.self_attn.k_norm",
  },
};

/** Phi-3 (arXiv 2404.14219): Llama with queries, keys and values in one matrix, and gates beside what they multiply. */
export const phi3: Family = {
  ...llama,
  name: "Phi-3",
  marks: ["layers.#.self_attn.qkv_proj.weight", "layers.#.mlp.gate_up_proj.weight"],
  types: ["phi3"],
  linears: {
    "layers.#.attention.query+key+value": "layers.#.self_attn.qkv_proj",
    "layers.#.attention.output": "layers.#.self_attn.o_proj",
    "layers.#.gate+expand": "layers.#.mlp.gate_up_proj",
    "layers.#.contract": "layers.#.mlp.down_proj",
  },
  grouped: true,
};

import type { Family, Head, HeadLayer } from "../family.js";
import { hiddenAct, projections } from "./shared.js";

const perToken: Head = {
  name: "token classification",
  architecture: "ForTokenClassification",
  branches: [{ of: "each", steps: [{ linear: "classifier" }] }],
};
const spans: Head = {
  name: "question answering",
  architecture: "ForQuestionAnswering",
  branches: [{ of: "each", steps: [{ linear: "qa_outputs" }] }],
};

/** Logits of a whole text, from its first token. */
const sequences = (...steps: readonly HeadLayer[]): Head => ({
  name: "classification",
  architecture: "ForSequenceClassification",
  branches: [{ of: 0, steps }],
});
/** Logits of the words at each token. */
const maskedWords = (...steps: readonly HeadLayer[]): Head => ({
  name: "masked words",
  architecture: "ForMaskedLM",
  branches: [{ of: "each", steps }],
});

/** BERT (Devlin et al., arXiv 1810.04805) as Hugging Face stores it. */
export const bert: Family = {
  name: "BERT",
  marks: ["encoder.layer.#.attention.self.query.weight"],
  types: ["bert"],
  body: ["bert."],
  linears: {
    ...projections("encoder.layer.#.attention.self"),
    "layers.#.attention.output": "encoder.layer.#.attention.output.dense",
    "layers.#.expand": "encoder.layer.#.intermediate.dense",
    "layers.#.contract": "encoder.layer.#.output.dense",
  },
  norms: {
    embeddingNorm: "embeddings.LayerNorm",
    "layers.#.attentionNorm": "encoder.layer.#.attention.output.LayerNorm",
    "layers.#.feedForwardNorm": "encoder.layer.#.output.LayerNorm",
  },
  tables: {
    embedding: "embeddings.word_embeddings.weight",
    positions: "embeddings.position_embeddings.weight",
    tokenTypes: "embeddings.token_type_embeddings.weight",
  },
  ignored: /^(?:embeddings\.(?:position_ids|token_type_ids)|pooler\.dense\.(?:weight|bias))$/,
  heads: [
    sequences({ linear: "pooler.dense", then: "tanh" }, { linear: "classifier" }),
    perToken,
    spans,
    maskedWords(
      { linear: "cls.predictions.transform.dense", then: "activation" },
      { norm: "cls.predictions.transform.LayerNorm" },
      { linear: ["cls.predictions.decoder", "cls.predictions"], tied: true },
    ),
    {
      name: "pooled token",
      architecture: "Model",
      branches: [{ of: 0, steps: [{ linear: "pooler.dense", then: "tanh" }] }],
    },
  ],
  tied: true,
  facts: { ...hiddenAct, norm: { is: "post" } },
  normalization: "layer",
  only: { position_embedding_type: ["absolute"], is_decoder: [false], add_cross_attention: [false] },
};

/** RoBERTa (Liu et al., arXiv 1907.11692): other heads, and positions that begin after the padding's. */
export const roberta: Family = {
  ...bert,
  name: "RoBERTa",
  types: ["roberta", "xlm-roberta", "camembert"],
  body: ["roberta."],
  heads: [
    sequences({ linear: "classifier.dense", then: "tanh" }, { linear: "classifier.out_proj" }),
    perToken,
    spans,
    maskedWords(
      { linear: "lm_head.dense", then: "gelu" },
      { norm: "lm_head.layer_norm" },
      { linear: ["lm_head.decoder", "lm_head"], tied: true },
    ),
  ],
  facts: { ...bert.facts, padding: "pad_token_id" },
};

/** DistilBERT (Sanh et al., arXiv 1910.01108). */
export const distilbert: Family = {
  name: "DistilBERT",
  marks: ["transformer.layer.#.attention.q_lin.weight"],
  types: ["distilbert"],
  body: ["distilbert."],
  linears: {
    "layers.#.attention.query": "transformer.layer.#.attention.q_lin",
    "layers.#.attention.key": "transformer.layer.#.attention.k_lin",
    "layers.#.attention.value": "transformer.layer.#.attention.v_lin",
    "layers.#.attention.output": "transformer.layer.#.attention.out_lin",
    "layers.#.expand": "transformer.layer.#.ffn.lin1",
    "layers.#.contract": "transformer.layer.#.ffn.lin2",
  },
  norms: {
    embeddingNorm: "embeddings.LayerNorm",
    "layers.#.attentionNorm": "transformer.layer.#.sa_layer_norm",
    "layers.#.feedForwardNorm": "transformer.layer.#.output_layer_norm",
  },
  tables: {
    embedding: "embeddings.word_embeddings.weight",
    positions: "embeddings.position_embeddings.weight",
  },
  ignored: /^embeddings\.position_ids$/,
  heads: [
    sequences({ linear: "pre_classifier", then: "relu" }, { linear: "classifier" }),
    perToken,
    spans,
    maskedWords(
      { linear: "vocab_transform", then: "activation" },
      { norm: "vocab_layer_norm" },
      { linear: "vocab_projector", tied: true },
    ),
  ],
  tied: true,
  facts: { heads: "n_heads", epsilon: { is: 1e-12 }, activation: "activation", norm: { is: "post" } },
  normalization: "layer",
};

import type { Family } from "../family.js";

import { classifier, hiddenAct, projections } from "./shared.js";

/** ViT (arXiv 2010.11929) and DeiT (arXiv 2012.12877). */
export const vit: Family = {
  name: "ViT or DeiT of Hugging Face",
  marks: ["encoder.layer.#.attention.attention.query.weight"],
  types: ["vit", "deit"],
  body: ["vit.", "deit."],
  linears: {
    patch: "embeddings.patch_embeddings.projection",
    ...projections("encoder.layer.#.attention.attention"),
    "layers.#.attention.output": "encoder.layer.#.attention.output.dense",
    "layers.#.expand": "encoder.layer.#.intermediate.dense",
    "layers.#.contract": "encoder.layer.#.output.dense",
  },
  norms: {
    "layers.#.attentionNorm": "encoder.layer.#.layernorm_before",
    "layers.#.feedForwardNorm": "encoder.layer.#.layernorm_after",
    norm: "layernorm",
  },
  tables: {
    "special.0": "embeddings.cls_token",
    "special.1?": "embeddings.distillation_token",
    positions: "embeddings.position_embeddings",
  },
  biasOptional: true, // qkv_bias
  ignored: /^(?:embeddings\.mask_token|pooler\.dense\.(?:weight|bias))$/,
  heads: [
    {
      name: "classification by both tokens",
      architecture: "ForImageClassificationWithTeacher",
      branches: [
        { of: 0, steps: [{ linear: "cls_classifier" }] },
        { of: 1, steps: [{ linear: "distillation_classifier" }] },
      ],
    },
    { name: "classification", architecture: "ForImageClassification", branches: [classifier("classifier")] },
  ],
  facts: { ...hiddenAct, norm: { is: "pre" } },
  normalization: "layer",
};

/** The same in timm, and with PyTorch's own attention under timm's other names. */
export const timm: Family = {
  name: "a vision transformer of timm",
  marks: ["blocks.#.norm1.weight", "patch_embed.proj.weight"],
  types: [],
  linears: {
    patch: "patch_embed.proj",
    "layers.#.attention.query+key+value": ["blocks.#.attn.qkv", "blocks.#.attn.in_proj_*"],
    "layers.#.attention.output": ["blocks.#.attn.proj", "blocks.#.attn.out_proj"],
    "layers.#.expand": ["blocks.#.mlp.fc1", "blocks.#.mlp.0"],
    "layers.#.contract": ["blocks.#.mlp.fc2", "blocks.#.mlp.3", "blocks.#.mlp.2"],
  },
  norms: {
    "layers.#.attentionNorm": "blocks.#.norm1",
    "layers.#.feedForwardNorm": "blocks.#.norm2",
    "norm?": "norm",
  },
  tables: { "special.0?": "cls_token", "special.1?": "dist_token", positions: "pos_embed" },
  biasOptional: true, // qkv_bias
  heads: [
    {
      name: "classification by both tokens",
      branches: [
        { of: 0, steps: [{ linear: "head" }] },
        { of: 1, steps: [{ linear: "head_dist" }] },
      ],
    },
    {
      name: "classification by the mean",
      branches: [{ of: "patches", steps: [{ norm: "fc_norm" }, { linear: "head" }] }],
    },
    { name: "classification", branches: [classifier("head")] },
    { name: "classification by the mean of patches", branches: [{ of: "patches", steps: [{ linear: "head" }] }] },
  ],
  facts: { heads: "heads", epsilon: "epsilon", activation: "activation", norm: { is: "pre" } },
  normalization: "layer",
};

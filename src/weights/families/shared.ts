import type { Head } from "../family.js";

/** Names of queries, keys and values as Hugging Face's encoders have them. */
export const projections = (stem: string): Readonly<Record<string, string>> => ({
  "layers.#.attention.query": `${stem}.query`,
  "layers.#.attention.key": `${stem}.key`,
  "layers.#.attention.value": `${stem}.value`,
});

/** Facts in config.json of BERT and ViT. */
export const hiddenAct = { heads: "num_attention_heads", epsilon: "layer_norm_eps", activation: "hidden_act" } as const;

/** A linear layer on one token. */
export const classifier = (name: string): Head["branches"][number] => ({ of: 0, steps: [{ linear: name }] });

/** Logits of each token, with the weights of the embedding where the file has no others. */
export const nextToken = (name: string): Head => ({
  name: "next token",
  branches: [{ of: "each", steps: [{ linear: name, tied: true }] }],
});

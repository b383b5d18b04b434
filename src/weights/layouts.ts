/**
 * How a family of models names the matrices of an attention layer. A template matches names that end with it, at their
 * start or after "." or "/"; `{}` stands for a number, and `{head}` for the number of a head. Numbers in what precedes
 * it tell layers apart.
 */
export interface NameLayout {
  /** Templates of W_q and W_k: both, unless `fused` is there. */
  readonly query?: string;
  readonly key?: string;
  readonly value?: string;
  /** The template of a matrix with the rows of W_q, W_k and W_v in this order. */
  readonly fused?: string;
  /** Whether each head has its rows of W_q, W_k and W_v side by side in the fused matrix. */
  readonly alternating?: true;
  /** Whether keys and values may have fewer heads in the fused matrix. W_o then says how many rows queries have. */
  readonly grouped?: true;
  /** Templates of W_o, of which a file has one or none. */
  readonly output?: readonly string[];
  /**
   * Whether matrices are stored as [in, out], for x W, rather than [out, in], for x Wᵀ. If a fused matrix does not
   * say, its longer side is `out`.
   */
  readonly transposed?: boolean;
  /** A tensor beside these whose last axis counts the heads. */
  readonly perHead?: string;
}

interface KnownLayout extends NameLayout {
  /** For error messages and the documentation. */
  readonly models: string;
}

/** All layouts by name. The first that matches a name counts, so special ones precede general ones. */
export const layouts: readonly KnownLayout[] = [
  {
    models: "BERT, RoBERTa, ELECTRA, Swin",
    query: "attention.self.query.weight",
    key: "attention.self.key.weight",
    value: "attention.self.value.weight",
    output: ["attention.output.dense.weight"],
    perHead: "attention.self.relative_position_bias_table",
  },
  {
    models: "ViT, DeiT, DINOv2, AST",
    query: "attention.attention.query.weight",
    key: "attention.attention.key.weight",
    value: "attention.attention.value.weight",
    output: ["attention.output.dense.weight"],
  },
  {
    models: "this library",
    query: "attention.query",
    key: "attention.key",
    value: "attention.value",
    output: ["attention.output"],
    transposed: true,
  },
  {
    models: "one matrix per head",
    query: "heads.{head}.query.weight",
    key: "heads.{head}.key.weight",
    value: "heads.{head}.value.weight",
    output: ["proj.weight"],
  },
  {
    models: "ALBERT",
    query: "query.weight",
    key: "key.weight",
    value: "value.weight",
    output: ["dense.weight", "output.weight", "proj.weight"],
  },
  {
    models: "DistilBERT, XLM",
    query: "q_lin.weight",
    key: "k_lin.weight",
    value: "v_lin.weight",
    output: ["out_lin.weight"],
  },
  {
    models: "Llama, Mistral, Qwen, Gemma, CLIP, BART, OPT, Whisper",
    query: "q_proj.weight",
    key: "k_proj.weight",
    value: "v_proj.weight",
    output: ["o_proj.weight", "out_proj.weight", "dense.weight"],
  },
  {
    models: "torch.nn.MultiheadAttention and TransformerEncoderLayer",
    fused: "in_proj_weight",
    output: ["out_proj.weight"],
    transposed: false,
  },
  {
    models: "torch.nn.MultiheadAttention over keys of another width",
    query: "q_proj_weight",
    key: "k_proj_weight",
    value: "v_proj_weight",
    output: ["out_proj.weight"],
  },
  {
    models: "timm (ViT, DeiT, BEiT, Swin)",
    fused: "qkv.weight",
    output: ["proj.weight"],
    perHead: "relative_position_bias_table",
  },
  {
    models: "GPT-NeoX, Pythia",
    fused: "attention.query_key_value.weight",
    output: ["attention.dense.weight"],
    alternating: true,
    transposed: false,
  },
  {
    models: "BLOOM, Falcon without shared keys",
    fused: "self_attention.query_key_value.weight",
    output: ["self_attention.dense.weight"],
    alternating: true,
    transposed: false,
  },
  {
    models: "Phi-3",
    fused: "qkv_proj.weight",
    output: ["o_proj.weight"],
    grouped: true,
    transposed: false,
  },
  { models: "GPT-2, nanoGPT", fused: "c_attn.weight", output: ["c_proj.weight"] },
  { models: "ModernBERT", fused: "Wqkv.weight", output: ["Wo.weight", "out_proj.weight"] },
  {
    models: "vit-pytorch",
    fused: "to_qkv.weight",
    output: ["to_out.0.weight", "to_out.weight"],
    transposed: false,
  },
  {
    models: "diffusers",
    query: "to_q.weight",
    key: "to_k.weight",
    value: "to_v.weight",
    output: ["to_out.0.weight"],
  },
  {
    models: "T5",
    query: "q.weight",
    key: "k.weight",
    value: "v.weight",
    output: ["o.weight", "proj.weight", "out.weight"],
    perHead: "relative_attention_bias.weight",
  },
  {
    models: "Flax",
    query: "query/kernel",
    key: "key/kernel",
    value: "value/kernel",
    output: ["out/kernel"],
    transposed: true,
  },
  {
    models: "Tensor2Tensor",
    fused: "qkv_transform_single/kernel/part_0",
    output: ["output_transform_single/kernel/part_0"],
    transposed: true,
  },
];

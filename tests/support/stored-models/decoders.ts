import {
  batch,
  causalBias,
  count,
  drawn,
  each,
  heads,
  hidden,
  idsOf,
  layers,
  norm,
  tools,
  vocabulary,
  width,
  type Shapes,
  type StoredModel,
} from "./shared.js";

/* Decoders. */

const gpt2: StoredModel = {
  title: "GPT-2",
  weights: drawn(
    {
      "transformer.wte.weight": [vocabulary, width],
      "transformer.wpe.weight": [8, width],
      ...each((at) => {
        const stem = `transformer.h.${at}`;
        const conv = (name: string, inner: number, outer: number): Shapes => ({
          [`${stem}.${name}.weight`]: [inner, outer],
          [`${stem}.${name}.bias`]: [outer],
        });
        return {
          ...norm(`${stem}.ln_1`),
          ...norm(`${stem}.ln_2`),
          ...conv("attn.c_attn", width, 3 * width),
          ...conv("attn.c_proj", width, width),
          ...conv("mlp.c_fc", width, hidden),
          ...conv("mlp.c_proj", hidden, width),
        };
      }),
      ...norm("transformer.ln_f"),
    },
    5,
  ),
  config: { model_type: "gpt2", n_head: heads, layer_norm_epsilon: 0.01, activation_function: "gelu_new" },
  input: idsOf(vocabulary, 4),
  head: "next token",
  graph(g) {
    const t = tools(g, 0.01);
    let x = t.lookUp("transformer.wte.weight", g.input("ids", this.input, "int64"));
    x = t.add(x, t.lookUp("transformer.wpe.weight", g.integers([0, 1, 2, 3, 4])));
    for (let at = 0; at < layers; at++) {
      const stem = `transformer.h.${at}`;
      const [q, k, v] = t.thirds(t.apply(t.normalized(x, `${stem}.ln_1`), `${stem}.attn.c_attn`, true));
      x = t.add(x, t.apply(t.attend(q, k, v, count, causalBias(g)), `${stem}.attn.c_proj`, true));
      const inner = t.bends.gelu_new(t.apply(t.normalized(x, `${stem}.ln_2`), `${stem}.mlp.c_fc`, true));
      x = t.add(x, t.apply(inner, `${stem}.mlp.c_proj`, true));
    }
    const last = t.normalized(x, "transformer.ln_f");
    return g.node("MatMul", [last, g.transpose(g.weight("transformer.wte.weight"), [1, 0])]);
  },
};

interface LlamaCase {
  readonly title: string;
  readonly type: string;
  readonly kvHeads: number;
  readonly isTied: boolean;
  readonly biases: boolean;
  /** Norms of queries and keys. */
  readonly normed?: true;
  /** Matrices of queries, keys and values, and of gates and what they multiply, below each other. */
  readonly fused?: true;
  /** Entries of config.json, and the frequencies of the two pairs of a head. */
  readonly rotary?: { readonly config: object; readonly frequencies: readonly number[] };
}
function llama({ title, type, kvHeads, isTied, biases, normed, fused, rotary }: LlamaCase): StoredModel {
  const [dim, theta, epsilon] = [width / heads, 100, 0.01];
  const half = dim / 2;
  const projection = (name: string, rows: number): Shapes => ({
    [`${name}.weight`]: [rows, width],
    ...(biases ? { [`${name}.bias`]: [rows] } : {}),
  });
  return {
    title,
    weights: drawn(
      {
        "model.embed_tokens.weight": [vocabulary, width],
        ...each((at) => {
          const stem = `model.layers.${at}`;
          return {
            [`${stem}.input_layernorm.weight`]: [width],
            [`${stem}.post_attention_layernorm.weight`]: [width],
            ...(fused
              ? projection(`${stem}.self_attn.qkv_proj`, width + 2 * kvHeads * dim)
              : {
                  ...projection(`${stem}.self_attn.q_proj`, width),
                  ...projection(`${stem}.self_attn.k_proj`, kvHeads * dim),
                  ...projection(`${stem}.self_attn.v_proj`, kvHeads * dim),
                }),
            ...(normed
              ? { [`${stem}.self_attn.q_norm.weight`]: [dim], [`${stem}.self_attn.k_norm.weight`]: [dim] }
              : {}),
            [`${stem}.self_attn.o_proj.weight`]: [width, width],
            ...(fused
              ? { [`${stem}.mlp.gate_up_proj.weight`]: [2 * hidden, width] }
              : { [`${stem}.mlp.gate_proj.weight`]: [hidden, width], [`${stem}.mlp.up_proj.weight`]: [hidden, width] }),
            [`${stem}.mlp.down_proj.weight`]: [width, hidden],
          };
        }),
        "model.norm.weight": [width],
        ...(isTied ? {} : { "lm_head.weight": [vocabulary, width] }),
      },
      6,
    ),
    config: {
      model_type: type,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      rms_norm_eps: epsilon,
      hidden_act: "silu",
      rope_theta: theta,
      rope_scaling: null,
      max_position_embeddings: 16,
      tie_word_embeddings: isTied,
      ...rotary?.config,
    },
    input: idsOf(vocabulary, 5),
    head: "next token",
    graph(g) {
      const t = tools(g, epsilon);
      const rms = (x: string, name: string): string => {
        const square = g.node("ReduceMean", [t.mul(x, x)], { axes: [-1], keepdims: 1 });
        const root = g.node("Sqrt", [t.add(square, g.constant([epsilon]))]);
        return t.mul(g.node("Div", [x, root]), g.weight(`${name}.weight`));
      };
      const table = (of: (angle: number) => number): string =>
        g.constant(
          Array.from({ length: count * dim }, (_, at) =>
            of(
              Math.floor(at / dim) * (rotary?.frequencies[(at % dim) % half] ?? theta ** (-((at % dim) % half) / half)),
            ),
          ),
          [1, 1, count, dim],
        );
      const [cosines, sines] = [table(Math.cos), table(Math.sin)];
      const part = (x: string, from: number, to: number): string =>
        g.node("Slice", [x, g.integers([from]), g.integers([to]), g.integers([3])]);
      const turned = (x: string): string => {
        const swapped = g.node("Concat", [g.node("Neg", [part(x, half, dim)]), part(x, 0, half)], { axis: 3 });
        return t.add(t.mul(x, cosines), t.mul(swapped, sines));
      };
      const split = (x: string, parts: number): string =>
        g.transpose(g.reshape(x, [batch, count, parts, dim]), [0, 2, 1, 3]);
      const spread = (x: string): string =>
        g.node("Gather", [x, g.integers([0, 1].map((head) => Math.floor((head * kvHeads) / heads)))], { axis: 1 });
      let x = t.lookUp("model.embed_tokens.weight", g.input("ids", this.input, "int64"));
      for (let at = 0; at < layers; at++) {
        const stem = `model.layers.${at}`;
        const before = rms(x, `${stem}.input_layernorm`);
        /** Some outputs of a fused layer, or a layer of its own. */
        const part3 = (name: string, all: string, from: number, to: number, input: string): string =>
          fused
            ? g.node("Slice", [t.apply(input, `${stem}.${all}`), g.integers([from]), g.integers([to]), g.integers([2])])
            : t.apply(input, `${stem}.${name}`);
        const [afterQ, afterK] = [width, width + kvHeads * dim];
        const own = (name: string, from: number, to: number): string =>
          part3(`self_attn.${name}_proj`, "self_attn.qkv_proj", from, to, before);
        const normedHeads = (x: string, name: string): string => (normed ? rms(x, `${stem}.self_attn.${name}`) : x);
        const q = turned(normedHeads(split(own("q", 0, afterQ), heads), "q_norm"));
        const k = spread(turned(normedHeads(split(own("k", afterQ, afterK), kvHeads), "k_norm")));
        const v = spread(split(own("v", afterK, afterK + kvHeads * dim), kvHeads));
        x = t.add(x, t.apply(t.mixed(q, k, v, count, dim, causalBias(g)), `${stem}.self_attn.o_proj`));
        const mid = rms(x, `${stem}.post_attention_layernorm`);
        const gate = part3("mlp.gate_proj", "mlp.gate_up_proj", 0, hidden, mid);
        const gated = t.mul(t.bends.silu(gate), part3("mlp.up_proj", "mlp.gate_up_proj", hidden, 2 * hidden, mid));
        x = t.add(x, t.apply(gated, `${stem}.mlp.down_proj`));
      }
      return g.node("MatMul", [
        rms(x, "model.norm"),
        g.transpose(g.weight(isTied ? "model.embed_tokens.weight" : "lm_head.weight"), [1, 0]),
      ]);
    },
  };
}

export const decoders: readonly StoredModel[] = [
  gpt2,
  llama({ title: "Llama with grouped heads", type: "llama", kvHeads: 1, isTied: false, biases: false }),
  llama({ title: "Mistral with the embedding's weights", type: "mistral", kvHeads: 2, isTied: true, biases: false }),
  llama({
    title: "Qwen3 with norms of queries",
    type: "qwen3",
    kvHeads: 1,
    isTied: false,
    biases: false,
    normed: true,
  }),
  llama({ title: "Phi-3 with fused layers", type: "phi3", kvHeads: 1, isTied: false, biases: false, fused: true }),
  llama({
    ...{ title: "Llama with positions divided", type: "llama", kvHeads: 2, isTied: false, biases: false },
    rotary: { config: { rope_scaling: { type: "linear", factor: 4 } }, frequencies: [1 / 4, 0.1 / 4] },
  }),
  llama({
    ...{ title: "Llama 3.1 with scaled positions", type: "llama", kvHeads: 2, isTied: false, biases: false },
    rotary: {
      config: {
        rope_theta: undefined,
        rope_parameters: {
          ...{ rope_type: "llama3", rope_theta: 100, factor: 5, low_freq_factor: 1, high_freq_factor: 9 },
          original_max_position_embeddings: 10 * Math.PI,
        },
      },
      // periods of 2π and 20π, against bounds of 10π/9 and 10π: half of the first is kept, none of the second
      frequencies: [1 / 2 + 1 / 2 / 5, 0.1 / 5],
    },
  }),
  llama({ title: "Qwen2 with biases", type: "qwen2", kvHeads: 1, isTied: true, biases: true }),
];

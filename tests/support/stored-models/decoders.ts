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
}
function llama({ title, type, kvHeads, isTied, biases }: LlamaCase): StoredModel {
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
            ...projection(`${stem}.self_attn.q_proj`, width),
            ...projection(`${stem}.self_attn.k_proj`, kvHeads * dim),
            ...projection(`${stem}.self_attn.v_proj`, kvHeads * dim),
            [`${stem}.self_attn.o_proj.weight`]: [width, width],
            [`${stem}.mlp.gate_proj.weight`]: [hidden, width],
            [`${stem}.mlp.up_proj.weight`]: [hidden, width],
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
            of(Math.floor(at / dim) * theta ** (-((at % dim) % half) / half)),
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
        const q = turned(split(t.apply(before, `${stem}.self_attn.q_proj`), heads));
        const k = spread(turned(split(t.apply(before, `${stem}.self_attn.k_proj`), kvHeads)));
        const v = spread(split(t.apply(before, `${stem}.self_attn.v_proj`), kvHeads));
        x = t.add(x, t.apply(t.mixed(q, k, v, count, dim, causalBias(g)), `${stem}.self_attn.o_proj`));
        const mid = rms(x, `${stem}.post_attention_layernorm`);
        const gated = t.mul(t.bends.silu(t.apply(mid, `${stem}.mlp.gate_proj`)), t.apply(mid, `${stem}.mlp.up_proj`));
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
  llama({ title: "Qwen2 with biases", type: "qwen2", kvHeads: 1, isTied: true, biases: true }),
];

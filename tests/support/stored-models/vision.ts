import type { OnnxGraph } from "../onnx-graph.js";
import {
  batch,
  drawn,
  each,
  heads,
  hidden,
  layers,
  linear,
  norm,
  normals,
  tools,
  width,
  type Shapes,
  type StoredModel,
  type Tools,
} from "./shared.js";

/* Vision transformers: norms before the layers, patches of 2 by 2 from pictures of 4 by 6 with three channels. */

const picture = { kind: "pixels" as const, ...normals([batch, 3, 4, 6], 2) };
const patches = 6;

export interface PreCase {
  readonly patch: string;
  readonly special: readonly string[];
  readonly positions: string;
  readonly norm?: string;
  readonly bend: "gelu" | "gelu_new";
  readonly layer: (at: number) => {
    readonly qkv: readonly [string, string, string] | readonly [weight: string, bias: string];
    readonly o: string;
    readonly norm1: string;
    readonly norm2: string;
    readonly expand: string;
    readonly contract: string;
  };
}
const hugging: PreCase = {
  patch: "vit.embeddings.patch_embeddings.projection",
  special: ["vit.embeddings.cls_token"],
  positions: "vit.embeddings.position_embeddings",
  norm: "vit.layernorm",
  bend: "gelu",
  layer(at) {
    const stem = `vit.encoder.layer.${at}`;
    return {
      qkv: ["query", "key", "value"].map((name) => `${stem}.attention.attention.${name}`) as [string, string, string],
      o: `${stem}.attention.output.dense`,
      norm1: `${stem}.layernorm_before`,
      norm2: `${stem}.layernorm_after`,
      expand: `${stem}.intermediate.dense`,
      contract: `${stem}.output.dense`,
    };
  },
};
const renamed = (own: PreCase, from: string, to: string): PreCase =>
  JSON.parse(JSON.stringify({ ...own, made: [0, 1].map(own.layer) }).replaceAll(from, to), (key, value: unknown) =>
    key === "" ? { ...(value as object), layer: (at: number) => (value as { made: unknown[] }).made[at] } : value,
  ) as PreCase;
const deit = renamed(
  { ...hugging, special: [...hugging.special, "vit.embeddings.distillation_token"] },
  "vit.",
  "deit.",
);
const timm: PreCase = {
  patch: "patch_embed.proj",
  special: ["cls_token"],
  positions: "pos_embed",
  norm: "norm",
  bend: "gelu",
  layer(at) {
    const stem = `blocks.${at}`;
    return {
      qkv: [`${stem}.attn.qkv.weight`, `${stem}.attn.qkv.bias`],
      o: `${stem}.attn.proj`,
      norm1: `${stem}.norm1`,
      norm2: `${stem}.norm2`,
      expand: `${stem}.mlp.fc1`,
      contract: `${stem}.mlp.fc2`,
    };
  },
};
const ownAttention: PreCase = {
  ...timm,
  layer(at) {
    const stem = `blocks.${at}`;
    return {
      ...timm.layer(at),
      qkv: [`${stem}.attn.in_proj_weight`, `${stem}.attn.in_proj_bias`],
      o: `${stem}.attn.out_proj`,
      expand: `${stem}.mlp.0`,
      contract: `${stem}.mlp.3`,
    };
  },
};

function preShapes(own: PreCase): Shapes {
  return {
    [`${own.patch}.weight`]: [width, 3, 2, 2],
    [`${own.patch}.bias`]: [width],
    ...Object.fromEntries(own.special.map((name) => [name, [1, 1, width]])),
    [own.positions]: [1, patches + own.special.length, width],
    ...(own.norm === undefined ? {} : norm(own.norm)),
    ...each((at) => {
      const { qkv, o, norm1, norm2, expand, contract } = own.layer(at);
      return {
        ...(qkv.length === 2
          ? { [qkv[0]]: [3 * width, width], [qkv[1]]: [3 * width] }
          : (Object.assign({}, ...qkv.map((name) => linear(name, width, width))) as Shapes)),
        ...linear(o, width, width),
        ...norm(norm1),
        ...norm(norm2),
        ...linear(expand, hidden, width),
        ...linear(contract, width, hidden),
      };
    }),
  };
}

/** A layer with norms before its parts. */
function preLayer(
  g: OnnxGraph,
  t: Tools,
  x: string,
  names: ReturnType<PreCase["layer"]>,
  bend: "gelu" | "gelu_new" | "relu",
  n: number,
): string {
  const { qkv, o, norm1, norm2, expand, contract } = names;
  const before = t.normalized(x, norm1);
  const fused = (): string[] =>
    t.thirds(t.add(g.node("MatMul", [before, g.transpose(g.weight(qkv[0]), [1, 0])]), g.weight(qkv[1])));
  const [q, k, v] = qkv.length === 2 ? fused() : qkv.map((name) => t.apply(before, name));
  const mid = t.add(x, t.apply(t.attend(q, k, v, n), o));
  return t.add(mid, t.apply(t.bends[bend](t.apply(t.normalized(mid, norm2), expand)), contract));
}

function preModel(
  title: string,
  own: PreCase,
  more: Shapes,
  config: StoredModel["config"],
  headName: string,
  head: (g: OnnxGraph, x: string, t: Tools) => string,
): StoredModel {
  return {
    title,
    weights: drawn({ ...preShapes(own), ...more }, title.length),
    config,
    input: picture,
    head: headName,
    graph(g) {
      const t = tools(g, 0.02);
      const pixels = g.input("pixels", picture, "float32");
      const filters = [g.weight(`${own.patch}.weight`), g.weight(`${own.patch}.bias`)];
      const convolved = g.node("Conv", [pixels, ...filters], { kernel_shape: [2, 2], strides: [2, 2] });
      const rows = g.transpose(g.reshape(convolved, [batch, width, patches]), [0, 2, 1]);
      const special = own.special.map((name) => g.node("Expand", [g.weight(name), g.integers([batch, 1, width])]));
      let x = t.add(g.node("Concat", [...special, rows], { axis: 1 }), g.weight(own.positions));
      const n = patches + own.special.length;
      for (let at = 0; at < layers; at++) x = preLayer(g, t, x, own.layer(at), own.bend, n);
      return head(g, own.norm === undefined ? x : t.normalized(x, own.norm), t);
    },
  };
}
const vitConfig = { model_type: "vit", num_attention_heads: heads, layer_norm_eps: 0.02, hidden_act: "gelu" };
const timmConfig = { heads, epsilon: 0.02, activation: "gelu" };
const both =
  (first: string, second: string) =>
  (g: OnnxGraph, x: string, t: Tools): string =>
    g.scaled(t.add(t.apply(t.token(x, 0), first), t.apply(t.token(x, 1), second)), 0.5);

export const vision: readonly StoredModel[] = [
  preModel("ViT", hugging, linear("classifier", 3, width), vitConfig, "classification", (_, x, t) =>
    t.apply(t.token(x, 0), "classifier"),
  ),
  preModel(
    "DeiT with its teacher's token",
    { ...deit, bend: "gelu_new" },
    { ...linear("cls_classifier", 3, width), ...linear("distillation_classifier", 3, width) },
    { ...vitConfig, model_type: "deit", hidden_act: "gelu_new" },
    "classification by both tokens",
    both("cls_classifier", "distillation_classifier"),
  ),
  preModel("timm's ViT", timm, linear("head", 3, width), timmConfig, "classification", (_, x, t) =>
    t.apply(t.token(x, 0), "head"),
  ),
  preModel(
    "timm's DeiT with its teacher's token",
    { ...timm, special: ["cls_token", "dist_token"] },
    { ...linear("head", 3, width), ...linear("head_dist", 3, width) },
    timmConfig,
    "classification by both tokens",
    both("head", "head_dist"),
  ),
  preModel(
    "timm's ViT with the mean of its patches",
    { ...timm, norm: undefined },
    { ...norm("fc_norm"), ...linear("head", 3, width) },
    timmConfig,
    "classification by the mean",
    (g, x, t) => {
      const own = g.node("Slice", [x, g.integers([1]), g.integers([patches + 1]), g.integers([1])]);
      return t.apply(t.normalized(g.node("ReduceMean", [own], { axes: [1], keepdims: 0 }), "fc_norm"), "head");
    },
  ),
  preModel(
    "a ViT with PyTorch's attention",
    ownAttention,
    linear("head", 3, width),
    timmConfig,
    "classification",
    (_, x, t) => t.apply(t.token(x, 0), "head"),
  ),
];

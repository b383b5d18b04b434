import {
  batch,
  count,
  drawn,
  each,
  heads,
  hidden,
  layers,
  linear,
  norm,
  normals,
  paddingBias,
  tools,
  width,
  type StoredModel,
} from "./shared.js";

import type { PreCase } from "./vision.js";
/* torch.nn.TransformerEncoder: vectors in, vectors out. */

const torchLayer = (at: number): ReturnType<PreCase["layer"]> => ({
  qkv: [`enc.layers.${at}.self_attn.in_proj_weight`, `enc.layers.${at}.self_attn.in_proj_bias`],
  o: `enc.layers.${at}.self_attn.out_proj`,
  norm1: `enc.layers.${at}.norm1`,
  norm2: `enc.layers.${at}.norm2`,
  expand: `enc.layers.${at}.linear1`,
  contract: `enc.layers.${at}.linear2`,
});
const vectors = { kind: "vectors" as const, ...normals([batch, count, width], 3) };

export const torch = (["pre", "post"] as const).flatMap((place) =>
  (["gelu", "relu"] as const).map((bend): StoredModel => ({
    title: `a TransformerEncoder with norm ${place} and ${bend}`,
    weights: drawn(
      {
        ...each((at) => {
          const { qkv, o, norm1, norm2, expand, contract } = torchLayer(at);
          return {
            [qkv[0]]: [3 * width, width],
            [qkv[1]]: [3 * width],
            ...linear(o, width, width),
            ...norm(norm1),
            ...norm(norm2),
            ...linear(expand, hidden, width),
            ...linear(contract, width, hidden),
          };
        }),
        ...(place === "pre" ? norm("enc.norm") : {}),
        "other.weight": [3, width],
      },
      7,
    ),
    config: { nhead: heads, norm_first: place === "pre", activation: bend, layer_norm_eps: 0.01 },
    input: vectors,
    lengths: [4, 5],
    graph(g) {
      const t = tools(g, 0.01);
      let x = g.input("vectors", vectors, "float32");
      const bias = paddingBias(g, [4, 5]);
      for (let at = 0; at < layers; at++) {
        const { qkv, o, norm1, norm2, expand, contract } = torchLayer(at);
        const self = (from: string): string => {
          const all = t.add(g.node("MatMul", [from, g.transpose(g.weight(qkv[0]), [1, 0])]), g.weight(qkv[1]));
          const [q, k, v] = t.thirds(all);
          return t.apply(t.attend(q, k, v, count, bias), o);
        };
        const feed = (from: string): string => t.apply(t.bends[bend](t.apply(from, expand)), contract);
        if (place === "pre") {
          x = t.add(x, self(t.normalized(x, norm1)));
          x = t.add(x, feed(t.normalized(x, norm2)));
        } else {
          x = t.normalized(t.add(x, self(x)), norm1);
          x = t.normalized(t.add(x, feed(x)), norm2);
        }
      }
      return place === "pre" ? t.normalized(x, "enc.norm") : x;
    },
  })),
);

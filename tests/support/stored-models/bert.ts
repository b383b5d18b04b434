import type { OnnxGraph } from "../onnx-graph.js";
import {
  batch,
  count,
  drawn,
  each,
  heads,
  hidden,
  idsOf,
  layers,
  linear,
  norm,
  paddingBias,
  tools,
  vocabulary,
  width,
  type Shapes,
  type StoredModel,
  type Tools,
} from "./shared.js";

/* BERT and its kin: norms after the layers. */

interface PostNames {
  readonly embeddings: readonly string[];
  readonly embeddingNorm: string;
  readonly layer: (
    at: number,
  ) => Readonly<Record<"q" | "k" | "v" | "o" | "norm1" | "expand" | "contract" | "norm2", string>>;
}
const bertNames = (prefix: string): PostNames => ({
  embeddings: ["word", "position", "token_type"].map((name) => `${prefix}embeddings.${name}_embeddings.weight`),
  embeddingNorm: `${prefix}embeddings.LayerNorm`,
  layer(at) {
    const stem = `${prefix}encoder.layer.${at}`;
    return {
      q: `${stem}.attention.self.query`,
      k: `${stem}.attention.self.key`,
      v: `${stem}.attention.self.value`,
      o: `${stem}.attention.output.dense`,
      norm1: `${stem}.attention.output.LayerNorm`,
      expand: `${stem}.intermediate.dense`,
      contract: `${stem}.output.dense`,
      norm2: `${stem}.output.LayerNorm`,
    };
  },
});
const distilNames: PostNames = {
  embeddings: ["word", "position"].map((name) => `distilbert.embeddings.${name}_embeddings.weight`),
  embeddingNorm: "distilbert.embeddings.LayerNorm",
  layer(at) {
    const stem = `distilbert.transformer.layer.${at}`;
    return {
      q: `${stem}.attention.q_lin`,
      k: `${stem}.attention.k_lin`,
      v: `${stem}.attention.v_lin`,
      o: `${stem}.attention.out_lin`,
      norm1: `${stem}.sa_layer_norm`,
      expand: `${stem}.ffn.lin1`,
      contract: `${stem}.ffn.lin2`,
      norm2: `${stem}.output_layer_norm`,
    };
  },
};
function postShapes({ embeddings, embeddingNorm, layer }: PostNames, positions: number): Shapes {
  const rows = [vocabulary, positions, 2];
  return {
    ...Object.fromEntries(embeddings.map((name, at) => [name, [rows[at], width]])),
    ...norm(embeddingNorm),
    ...each((at) => {
      const names = layer(at);
      return {
        ...Object.assign({}, ...[names.q, names.k, names.v, names.o].map((name) => linear(name, width, width))),
        ...norm(names.norm1),
        ...linear(names.expand, hidden, width),
        ...linear(names.contract, width, hidden),
        ...norm(names.norm2),
      } as Shapes;
    }),
  };
}
interface PostCase {
  readonly names: PostNames;
  readonly epsilon: number;
  readonly bend: "gelu" | "gelu_new" | "relu";
  readonly firstPosition: number;
}
/** The tokens of the last layer. */
function postTokens(g: OnnxGraph, { names, epsilon, bend, firstPosition }: PostCase, own: StoredModel): string {
  const t = tools(g, epsilon);
  const [word, position, type] = names.embeddings;
  let x = t.lookUp(word, g.input("ids", own.input, "int64"));
  x = t.add(x, t.lookUp(position, g.integers(Array.from({ length: count }, (_, at) => at + firstPosition))));
  if (type !== undefined)
    x = t.add(
      x,
      t.lookUp(type, g.input("types", own.types ?? { shape: [batch, count], data: new Array(10).fill(0) }, "int64")),
    );
  x = t.normalized(x, names.embeddingNorm);
  const bias = own.lengths && paddingBias(g, own.lengths);
  for (let at = 0; at < layers; at++) {
    const { q, k, v, o, norm1, expand, contract, norm2 } = names.layer(at);
    const mixed = t.attend(t.apply(x, q), t.apply(x, k), t.apply(x, v), count, bias);
    x = t.normalized(t.add(x, t.apply(mixed, o)), norm1);
    x = t.normalized(t.add(x, t.apply(t.bends[bend](t.apply(x, expand)), contract)), norm2);
  }
  return x;
}

function postModel(
  title: string,
  own: PostCase & { readonly positions: number },
  more: Shapes,
  model: Pick<StoredModel, "config" | "types" | "lengths" | "head">,
  head: (g: OnnxGraph, x: string, t: Tools) => string,
): StoredModel {
  const made: StoredModel = {
    title,
    weights: drawn({ ...postShapes(own.names, own.positions), ...more }, title.length),
    input: idsOf(vocabulary, 1),
    ...model,
    graph: (g) => head(g, postTokens(g, own, made), tools(g, own.epsilon)),
  };
  return made;
}

const bert: PostCase & { readonly positions: number } = {
  names: bertNames("bert."),
  epsilon: 0.01,
  bend: "gelu",
  firstPosition: 0,
  positions: 7,
};
const bertConfig = { model_type: "bert", num_attention_heads: heads, layer_norm_eps: 0.01, hidden_act: "gelu" };
const tied = (g: OnnxGraph, x: string, table: string, bias: string): string =>
  g.node("Add", [g.node("MatMul", [x, g.transpose(g.weight(table), [1, 0])]), g.weight(bias)]);
const types = { shape: [batch, count], data: [0, 0, 1, 1, 1, 0, 1, 1, 0, 0] };

const roberta = { ...bert, names: bertNames("roberta."), firstPosition: 4, positions: 10, bend: "gelu_new" } as const;
const robertaConfig = { ...bertConfig, model_type: "roberta", hidden_act: "gelu_new", pad_token_id: 3 };
const distil = { ...bert, names: distilNames, epsilon: 1e-12, bend: "relu" } as const;
const distilConfig = { model_type: "distilbert", n_heads: heads, activation: "relu" };

export const berts: readonly StoredModel[] = [
  postModel(
    "BERT that classifies pairs of sentences, with padding",
    bert,
    { ...linear("bert.pooler.dense", width, width), ...linear("classifier", 3, width) },
    { config: bertConfig, types, lengths: [5, 3], head: "classification" },
    (_, x, t) => t.apply(t.bends.tanh(t.apply(t.token(x, 0), "bert.pooler.dense")), "classifier"),
  ),
  postModel(
    "BERT that fills masks, with the embedding's weights",
    bert,
    {
      ...linear("cls.predictions.transform.dense", width, width),
      ...norm("cls.predictions.transform.LayerNorm"),
      "cls.predictions.bias": [vocabulary],
    },
    { config: { ...bertConfig, architectures: ["BertForMaskedLM"] }, head: "masked words" },
    (g, x, t) => {
      const inner = t.bends.gelu(t.apply(x, "cls.predictions.transform.dense"));
      const made = t.normalized(inner, "cls.predictions.transform.LayerNorm");
      return tied(g, made, bert.names.embeddings[0], "cls.predictions.bias");
    },
  ),
  postModel(
    "RoBERTa that classifies",
    roberta,
    { ...linear("classifier.dense", width, width), ...linear("classifier.out_proj", 2, width) },
    { config: robertaConfig, head: "classification" },
    (_, x, t) => t.apply(t.bends.tanh(t.apply(t.token(x, 0), "classifier.dense")), "classifier.out_proj"),
  ),
  postModel(
    "RoBERTa that classifies tokens",
    roberta,
    linear("classifier", 4, width),
    { config: robertaConfig, lengths: [2, 5], head: "token classification" },
    (_, x, t) => t.apply(x, "classifier"),
  ),
  postModel(
    "DistilBERT that classifies",
    distil,
    { ...linear("pre_classifier", width, width), ...linear("classifier", 2, width) },
    { config: distilConfig, head: "classification" },
    (_, x, t) => t.apply(t.bends.relu(t.apply(t.token(x, 0), "pre_classifier")), "classifier"),
  ),
  postModel(
    "DistilBERT that fills masks, with weights of its own",
    distil,
    {
      ...linear("vocab_transform", width, width),
      ...norm("vocab_layer_norm"),
      ...linear("vocab_projector", vocabulary, width),
    },
    { config: distilConfig, head: "masked words" },
    (_, x, t) =>
      t.apply(t.normalized(t.bends.relu(t.apply(x, "vocab_transform")), "vocab_layer_norm"), "vocab_projector"),
  ),
];

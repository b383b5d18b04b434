import { random, type Shape } from "../../../src/index.js";
import type { OnnxGraph, Numbers } from "../onnx-graph.js";

// Small models of every family under the names of their libraries, as graphs of ONNX's plain operators. Nothing here
// uses how the library reads or computes them.

export type Shapes = Readonly<Record<string, Shape>>;

/** A model, its facts, its input, and its graph. */
export interface StoredModel {
  readonly title: string;
  readonly weights: Readonly<Record<string, Numbers>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly input: { readonly kind: "ids" | "pixels" | "vectors" } & Numbers;
  readonly types?: Numbers;
  /** The number of keys of every batch entry that count. */
  readonly lengths?: readonly number[];
  readonly head?: string;
  /** The value that the head gives. */
  readonly graph: (graph: OnnxGraph) => string;
}

export const [width, heads, hidden, layers] = [8, 2, 12, 2];
export const [batch, count] = [2, 5];

export const each = (layer: (at: number) => Shapes): Shapes =>
  Object.assign({}, ...Array.from({ length: layers }, (_, at) => layer(at))) as Shapes;
export const linear = (name: string, rows: number, inner: number): Shapes => ({
  [`${name}.weight`]: [rows, inner],
  [`${name}.bias`]: [rows],
});
export const norm = (name: string): Shapes => ({ [`${name}.weight`]: [width], [`${name}.bias`]: [width] });

/** Random weights; scales of norms are near 1. */
export function drawn(shapes: Shapes, seed: number): Record<string, Numbers> {
  const stream = random(seed);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => {
      const isScale = shape.length === 1 && name.endsWith("weight");
      const size = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        { shape, data: Float32Array.from(stream.normals(size, 0.4), (value) => value + (isScale ? 1 : 0)) },
      ];
    }),
  );
}
export const idsOf = (vocabulary: number, seed: number): Numbers & { readonly kind: "ids" } => {
  const stream = random(seed);
  return {
    kind: "ids",
    shape: [batch, count],
    data: Array.from({ length: batch * count }, () => stream.integer(vocabulary)),
  };
};
export const normals = (shape: Shape, seed: number): Numbers => ({
  shape,
  data: random(seed).normals(shape.reduce((a, b) => a * b, 1)),
});

/** Operations on a graph, by the names of tensors. */
export type Tools = ReturnType<typeof tools>;

export function tools(g: OnnxGraph, epsilon: number) {
  const apply = (x: string, name: string, columns = false): string => {
    const weight = g.weight(`${name}.weight`);
    const product = g.node("MatMul", [x, columns ? weight : g.transpose(weight, [1, 0])]);
    return g.has(`${name}.bias`) ? g.node("Add", [product, g.weight(`${name}.bias`)]) : product;
  };
  const normalized = (x: string, name: string): string =>
    g.node("LayerNormalization", [x, g.weight(`${name}.weight`), g.weight(`${name}.bias`)], { axis: -1, epsilon });
  const add = (a: string, b: string): string => g.node("Add", [a, b]);
  const mul = (a: string, b: string): string => g.node("Mul", [a, b]);
  const bends = {
    gelu: (x: string) => mul(g.scaled(x, 0.5), add(g.node("Erf", [g.scaled(x, Math.SQRT1_2)]), g.constant([1]))),
    gelu_new: (x: string) => {
      const cubic = g.scaled(mul(x, mul(x, x)), 0.044715);
      const inner = g.scaled(add(x, cubic), Math.sqrt(2 / Math.PI));
      return mul(g.scaled(x, 0.5), add(g.node("Tanh", [inner]), g.constant([1])));
    },
    relu: (x: string) => g.node("Relu", [x]),
    silu: (x: string) => mul(x, g.node("Sigmoid", [x])),
    tanh: (x: string) => g.node("Tanh", [x]),
  };
  const token = (x: string, at: number): string =>
    g.node("Squeeze", [g.node("Slice", [x, g.integers([at]), g.integers([at + 1]), g.integers([1])]), g.integers([1])]);
  const lookUp = (table: string, ids: string): string => g.node("Gather", [g.weight(table), ids], { axis: 0 });
  /** Attention of q, k, v [batch, n, heads·d]; `bias` is added to the scores. */
  const attend = (q: string, k: string, v: string, n: number, bias?: string): string => {
    const dim = width / heads;
    const split = (x: string): string => g.transpose(g.reshape(x, [batch, n, heads, dim]), [0, 2, 1, 3]);
    return mixed(split(q), split(k), split(v), n, dim, bias);
  };
  const mixed = (q: string, k: string, v: string, n: number, dim: number, bias?: string): string => {
    const scores = g.scaled(g.node("MatMul", [q, g.transpose(k, [0, 1, 3, 2])]), 1 / Math.sqrt(dim));
    const weights = g.node("Softmax", [bias === undefined ? scores : add(scores, bias)], { axis: -1 });
    return g.reshape(g.transpose(g.node("MatMul", [weights, v]), [0, 2, 1, 3]), [batch, n, width]);
  };
  /** Three equal parts of the last axis. */
  const thirds = (x: string): string[] =>
    [0, 1, 2].map((part) =>
      g.node("Slice", [x, g.integers([part * width]), g.integers([(part + 1) * width]), g.integers([2])]),
    );
  return { apply, normalized, add, mul, bends, token, lookUp, attend, mixed, thirds };
}

const HIDDEN = -1e9;
/** Hides keys beyond the lengths: [batch, 1, 1, n]. */
export const paddingBias = (g: OnnxGraph, lengths: readonly number[]): string =>
  g.constant(
    lengths.flatMap((length) => Array.from({ length: count }, (_, at) => (at < length ? 0 : HIDDEN))),
    [batch, 1, 1, count],
  );
export const causalBias = (g: OnnxGraph): string =>
  g.constant(
    Array.from({ length: count * count }, (_, at) => (at % count <= Math.floor(at / count) ? 0 : HIDDEN)),
    [1, 1, count, count],
  );

export const vocabulary = 11;

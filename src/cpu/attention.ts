import type { Component, Formula, Normalizer, Pair, Partials } from "../kernels/kernel.js";
import { denseLayout, type BiasLayout } from "../kernels/bias.js";
import {
  attentionBackwardPrimitive,
  attentionExtents,
  attentionPrimitive,
  HIDDEN,
  VISIBLE,
  type AttentionAttributes,
  type AttentionExtents,
} from "../kernels/primitives.js";
import { implement, type Numbers, type Operand } from "./backend.js";

interface Row {
  readonly batch: number;
  readonly head: number;
  readonly i: number;
  /** Start of the row's query, and of its keys and values, in their arrays. */
  readonly query: number;
  readonly keys: number;
  readonly values: number;
  /** Its number among all rows of all heads. */
  readonly index: number;
}

function eachRow({ batch, heads, keyHeads, queries, keys, dim, valueDim }: AttentionExtents, visit: (row: Row) => void): void {
  for (let batchHead = 0; batchHead < batch * heads; batchHead++) {
    const head = batchHead % heads;
    const keyHead = Math.floor(batchHead / heads) * keyHeads + Math.floor((head * keyHeads) / heads);
    for (let i = 0; i < queries; i++) {
      const index = batchHead * queries + i;
      visit({ batch: Math.floor(batchHead / heads), head, i, index, query: index * dim, keys: keyHead * keys * dim, values: keyHead * keys * valueDim });
    }
  }
}

function dot(a: Numbers, aStart: number, b: Numbers, bStart: number, length: number): number {
  let sum = 0;
  for (let c = 0; c < length; c++) sum += a[aStart + c] * b[bStart + c];
  return sum;
}

/** The inner product, the pair product of a kernel that names no other. */
export const multiplied: Component = { of: (x, y) => x * y, byQuery: (_x, y) => y, byKey: (x) => x };

/** Fills `pair` with what query and key have in common. */
export function compare(
  { component = multiplied }: Formula,
  q: Numbers,
  qStart: number,
  k: Numbers,
  kStart: number,
  dim: number,
  pair: Pair,
): void {
  let [product, queryNorm, keyNorm, distance] = [0, 0, 0, 0];
  for (let c = 0; c < dim; c++) {
    const [x, y] = [q[qStart + c], k[kStart + c]];
    product += component.of(x, y);
    queryNorm += x * x;
    keyNorm += y * y;
    distance += (x - y) * (x - y);
  }
  pair.product = product;
  pair.queryNorm = queryNorm;
  pair.keyNorm = keyNorm;
  pair.distance = distance;
}

export function emptyPair(): Pair {
  return { product: 0, queryNorm: 0, keyNorm: 0, distance: 0 };
}

/**
 * Turns the scores of a row into weights, in place, and returns the row's statistic: the log-sum-exp for softmax, else what
 * the weights were divided by.
 */
export function weigh(scores: Float64Array, normalizer: Normalizer, formula: Formula): number {
  if (normalizer === "softmax") {
    const maximum = scores.reduce((a, b) => Math.max(a, b));
    if (maximum <= VISIBLE) {
      scores.fill(0);
      return -HIDDEN;
    }
    let sum = 0;
    for (const score of scores) sum += Math.exp(score - maximum);
    const statistic = maximum + Math.log(sum);
    for (let j = 0; j < scores.length; j++) scores[j] = Math.exp(scores[j] - statistic);
    return statistic;
  }
  let sum = 0;
  for (let j = 0; j < scores.length; j++) sum += scores[j] = scores[j] > VISIBLE ? formula.weight(scores[j]) : 0;
  const divisor = { sum, count: scores.length, none: 1 }[normalizer];
  if (divisor !== 0) for (let j = 0; j < scores.length; j++) scores[j] /= divisor;
  return divisor;
}

/** Where the bias of a row's key j lies, without j's own share. */
function biasStart({ batch, head, i }: Row, { offset, strides }: BiasLayout): number {
  return offset + batch * strides[0] + head * strides[1] + i * strides[2];
}

/** The score of a row's key j, bent and with its bias, or HIDDEN where the mask hides it. */
function visibleScore(row: Row, j: number, score: number, bias: Numbers | undefined, attributes: AttentionAttributes, extents: AttentionExtents): number {
  const { band, lengths, softcap, bias: layout } = attributes;
  const [query, queryEnd, key, keyEnd] = lengths === undefined ? [0, extents.queries, 0, extents.keys] : lengths.slice(4 * row.batch, 4 * row.batch + 4);
  if (j - row.i < band.low || j - row.i > band.high || row.i < query || row.i >= queryEnd || j < key || j >= keyEnd) return HIDDEN;
  const bent = softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
  return bias === undefined || layout === undefined ? bent : Math.max(HIDDEN, bent + bias[biasStart(row, layout) + j * layout.strides[3]]);
}

function parametersOf(parameters: Operand, head: number): Float64Array {
  const count = parameters.shape[1];
  return Float64Array.from(parameters.data.subarray(head * count, (head + 1) * count));
}

const forward = implement(attentionPrimitive, ([q, k, v, parameters, bias], [output, statistic], attributes) => {
  const { kernel } = attributes;
  const extents = attentionExtents(q.shape, k.shape, v.shape);
  const { keys, dim, valueDim } = extents;
  const pair = emptyPair();
  const weights = new Float64Array(keys);
  const result = output.data;
  eachRow(extents, (row) => {
    const learned = parametersOf(parameters, row.head);
    for (let j = 0; j < keys; j++) {
      compare(kernel.formula, q.data, row.query, k.data, row.keys + j * dim, dim, pair);
      weights[j] = visibleScore(row, j, kernel.formula.score(pair, learned), bias?.data, attributes, extents);
    }
    statistic.data[row.index] = weigh(weights, kernel.normalizer, kernel.formula);
    for (let j = 0; j < keys; j++) {
      const weight = weights[j];
      for (let c = 0; c < valueDim; c++) result[row.index * valueDim + c] += weight * v.data[row.values + j * valueDim + c];
    }
  });
});

const backward = implement(attentionBackwardPrimitive, (inputs, outputs, attributes) => {
  const { kernel, wanted, softcap, bias: layout } = attributes;
  const [q, k, v, parameters, output, statistic, dOutput, bias] = inputs;
  const remaining = [...outputs];
  const dq = wanted.query ? remaining.shift()!.data : undefined;
  const [dk, dv] = wanted.keyValue ? remaining.splice(0, 2).map(({ data }) => data) : [];
  const dParameters = wanted.parameters ? remaining.shift()!.data : undefined;
  const dBias = wanted.bias ? remaining.shift()! : undefined;
  const gradientLayout = dBias && layout && !layout.relative ? denseLayout(dBias.shape) : layout;
  const extents = attentionExtents(q.shape, k.shape, v.shape);
  const { keys, dim, valueDim } = extents;
  const count = parameters.shape[1];
  const { formula, normalizer } = kernel;
  const { component = multiplied } = formula;
  const pair = emptyPair();
  const partials: Partials = { product: 0, queryNorm: 0, keyNorm: 0, parameters: new Float64Array(count) };
  eachRow(extents, (row) => {
    const learned = parametersOf(parameters, row.head);
    const total = statistic.data[row.index];
    const start = row.index * valueDim;
    const isShared = normalizer === "softmax" || normalizer === "sum"; // a row's weights depend on all its scores
    const delta = isShared ? dot(output.data, start, dOutput.data, start, valueDim) : 0;
    for (let j = 0; j < keys; j++) {
      const [key, value] = [row.keys + j * dim, row.values + j * valueDim];
      compare(formula, q.data, row.query, k.data, key, dim, pair);
      const plain = formula.score(pair, learned);
      const score = visibleScore(row, j, plain, inputs.length > 7 ? bias.data : undefined, attributes, extents);
      if (score <= VISIBLE) continue;
      const raw = normalizer === "softmax" ? Math.exp(score - total) : formula.weight(score);
      const weight = normalizer === "softmax" ? raw : raw / total;
      const dWeight = dot(dOutput.data, start, v.data, value, valueDim) - delta;
      const slope = normalizer === "softmax" ? raw : formula.weightDerivative(score, raw) / total;
      const dBent = slope * dWeight;
      if (dBias && gradientLayout) dBias.data[biasStart(row, gradientLayout) + j * gradientLayout.strides[3]] += dBent;
      const dScore = softcap > 0 ? dBent * (1 - Math.tanh(plain / softcap) ** 2) : dBent;
      formula.partials(pair, learned, partials);
      const byProduct = dScore * partials.product;
      const byQuery = 2 * dScore * partials.queryNorm;
      const byKey = 2 * dScore * partials.keyNorm;
      for (let c = 0; c < dim; c++) {
        const [x, y] = [q.data[row.query + c], k.data[key + c]];
        if (dq) dq[row.query + c] += byProduct * component.byQuery(x, y) + byQuery * x;
        if (dk) dk[key + c] += byProduct * component.byKey(x, y) + byKey * y;
      }
      if (dv) for (let c = 0; c < valueDim; c++) dv[value + c] += weight * dOutput.data[start + c];
      if (dParameters) for (let p = 0; p < count; p++) dParameters[row.index * count + p] += dScore * partials.parameters[p];
    }
  });
});

export const attention = [forward, backward];

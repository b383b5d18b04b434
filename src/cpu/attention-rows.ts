import type { Component, Formula, Normalizer, Pair, Partials } from "../kernels/kernel.js";
import type { BiasLayout } from "../kernels/bias.js";
import {
  attentionBackwardOperands,
  attentionBackwardPrimitive,
  attentionGradients,
  attentionOperands,
  attentionPrimitive,
  HIDING,
  type AttentionAttributes,
  type AttentionBackwardAttributes,
  type AttentionExtents,
} from "../kernels/primitives.js";
import { implement, type Numbers, type Operand } from "./backend.js";

/** One query of one head. */
export interface Row {
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

/** Calls `visit` with the queries of all heads in order. */
export function eachRow(
  { batch, heads, keyHeads, queries, keys, dim, valueDim }: AttentionExtents,
  visit: (row: Row) => void,
): void {
  for (let batchHead = 0; batchHead < batch * heads; batchHead++) {
    const head = batchHead % heads;
    const keyHead = Math.floor(batchHead / heads) * keyHeads + Math.floor((head * keyHeads) / heads);
    for (let i = 0; i < queries; i++) {
      const index = batchHead * queries + i;
      visit({
        batch: Math.floor(batchHead / heads),
        head,
        i,
        index,
        query: index * dim,
        keys: keyHead * keys * dim,
        values: keyHead * keys * valueDim,
      });
    }
  }
}

export function dot(a: Numbers, aStart: number, b: Numbers, bStart: number, length: number): number {
  let sum = 0;
  for (let c = 0; c < length; c++) sum += a[aStart + c] * b[bStart + c];
  return sum;
}

/** The inner product, the pair product of a kernel that names no other. */
export const multiplied: Component = { of: (x, y) => x * y, byQuery: (_x, y) => y, byKey: (x) => x };

/** Fills `pair` with the product, norms and distance of a query and a key. */
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
 * Turns the visible scores of a row, out of `keys` in all, into weights, in place. Returns the row's statistic: the
 * log-sum-exp for softmax (-∞ if all weights are 0), else the divisor of the weights.
 */
export function weigh(scores: Float64Array, normalizer: Normalizer, formula: Formula, keys = scores.length): number {
  if (normalizer === "softmax") {
    let maximum = -Infinity;
    for (let j = 0; j < scores.length; j++) maximum = Math.max(maximum, scores[j]);
    if (maximum === -Infinity) {
      scores.fill(0);
      return maximum;
    }
    let sum = 0;
    for (let j = 0; j < scores.length; j++) sum += Math.exp(scores[j] - maximum);
    const statistic = maximum + Math.log(sum);
    for (let j = 0; j < scores.length; j++) scores[j] = Math.exp(scores[j] - statistic);
    return statistic;
  }
  let sum = 0;
  for (let j = 0; j < scores.length; j++) sum += scores[j] = formula.weight(scores[j]);
  const divisor = { sum, count: keys, none: 1 }[normalizer];
  for (let j = 0; j < scores.length; j++) scores[j] = divisor === 0 ? 0 : scores[j] / divisor;
  return divisor;
}

/** Where the bias of a row's key j lies, without j's own share. */
export function biasStart({ batch, head, i }: Row, { offset, strides }: BiasLayout): number {
  return offset + batch * strides[0] + head * strides[1] + i * strides[2];
}

/** Keys outside of which a row sees none, whatever its bias: from the first to before the second. */
export function visibleRange(
  { batch, i }: Row,
  { extents, band, lengths, spans }: AttentionAttributes,
): readonly [first: number, end: number] {
  const [query, queryEnd, key, keyEnd] =
    lengths === undefined ? [0, extents.queries, 0, extents.keys] : lengths.slice(4 * batch, 4 * batch + 4);
  if (i < query || i >= queryEnd) return [0, 0];
  const place = 4 * (batch * Math.max(extents.queries, extents.keys) + i);
  const [first, end] = spans === undefined ? [key, keyEnd] : spans.slice(place, place + 2);
  return [Math.max(key, first, i + band.low), Math.min(keyEnd, end, i + band.high + 1)];
}

/** The keys that a row sees, and for each the bias of its score. */
function seenBy(
  row: Row,
  bias: Numbers | undefined,
  attributes: AttentionAttributes,
): { keys: number[]; biases: number[] } {
  const { bias: layout } = attributes;
  const seen = { keys: [] as number[], biases: [] as number[] };
  const [first, end] = visibleRange(row, attributes);
  for (let j = first; j < end; j++) {
    const added = bias === undefined || layout === undefined ? 0 : bias[biasStart(row, layout) + j * layout.strides[3]];
    if (added <= HIDING) continue;
    seen.keys.push(j);
    seen.biases.push(added);
  }
  return seen;
}

/** A kernel's score of a pair before its bias; NaN and infinity in query or key make it NaN. */
export function bentScore(score: number, { product }: Pair, softcap: number): number {
  if (!Number.isFinite(product)) return NaN;
  return softcap > 0 ? softcap * Math.tanh(score / softcap) : score;
}

export function parametersOf(parameters: Operand, head: number): Float64Array {
  const count = parameters.shape[1];
  return Float64Array.from(parameters.data.subarray(head * count, (head + 1) * count));
}

/** Attention row by row, pair by pair: the plain formulas that the blocks of `attention.ts` are held to. */
const forward = implement(attentionPrimitive, (inputs, [output, statistic], attributes) => {
  const { q, k, v, parameters, bias } = attentionOperands(inputs);
  const { kernel, extents } = attributes;
  const { keys, dim, valueDim } = extents;
  const pair = emptyPair();
  const scores = new Float64Array(keys);
  const result = output.data;
  eachRow(extents, (row) => {
    const learned = parametersOf(parameters, row.head);
    const seen = seenBy(row, bias?.data, attributes);
    const weights = scores.subarray(0, seen.keys.length);
    seen.keys.forEach((j, at) => {
      compare(kernel.formula, q.data, row.query, k.data, row.keys + j * dim, dim, pair);
      weights[at] = bentScore(kernel.formula.score(pair, learned), pair, attributes.softcap) + seen.biases[at];
    });
    statistic.data[row.index] = weigh(weights, kernel.normalizer, kernel.formula, keys);
    seen.keys.forEach((j, at) => {
      const weight = weights[at];
      for (let c = 0; c < valueDim; c++)
        result[row.index * valueDim + c] += weight * v.data[row.values + j * valueDim + c];
    });
  });
});

/** The arrays for the gradients by q, k, v, parameters and bias; undefined where none is wanted. */
export function gradientsIn(
  outputs: readonly Operand[],
  attributes: AttentionBackwardAttributes,
): (Numbers | undefined)[] {
  const { q, k, v, parameters, bias } = attentionGradients(outputs, attributes);
  return [q, k, v, parameters, bias].map((gradient) => gradient?.data);
}

const backward = implement(attentionBackwardPrimitive, (inputs, outputs, attributes) => {
  const { kernel, extents, softcap, bias: layout } = attributes;
  const { q, k, v, parameters, bias, output, statistic, cotangent } = attentionBackwardOperands(inputs);
  const [dq, dk, dv, dParameters, dBias] = gradientsIn(outputs, attributes);
  const { dim, valueDim } = extents;
  const count = parameters.shape[1];
  const { formula, normalizer } = kernel;
  const { component = multiplied } = formula;
  const pair = emptyPair();
  const partials: Partials = { product: 0, queryNorm: 0, keyNorm: 0, parameters: new Float64Array(count) };
  const ofRow = new Float64Array(count);
  eachRow(extents, (row) => {
    const learned = parametersOf(parameters, row.head);
    const total = statistic.data[row.index];
    const start = row.index * valueDim;
    const isShared = normalizer === "softmax" || normalizer === "sum"; // a row's weights depend on all its scores
    const delta = isShared ? dot(output.data, start, cotangent.data, start, valueDim) : 0;
    if (normalizer === "sum" && total === 0) return; // such a row gives zeros
    const seen = seenBy(row, bias?.data, attributes);
    ofRow.fill(0);
    seen.keys.forEach((j, at) => {
      const [key, value] = [row.keys + j * dim, row.values + j * valueDim];
      compare(formula, q.data, row.query, k.data, key, dim, pair);
      const plain = formula.score(pair, learned);
      const score = bentScore(plain, pair, softcap) + seen.biases[at];
      const raw = normalizer === "softmax" ? Math.exp(score - total) : formula.weight(score);
      const weight = normalizer === "softmax" ? raw : raw / total;
      const dWeight = dot(cotangent.data, start, v.data, value, valueDim) - delta;
      const slope = normalizer === "softmax" ? raw : formula.weightDerivative(score, raw) / total;
      const dBent = slope * dWeight;
      if (dBias && layout) dBias[biasStart(row, layout) + j * layout.strides[3]] += dBent;
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
      if (dv) for (let c = 0; c < valueDim; c++) dv[value + c] += weight * cotangent.data[start + c];
      for (let p = 0; p < count; p++) ofRow[p] += dScore * partials.parameters[p];
    });
    if (dParameters) for (let p = 0; p < count; p++) dParameters[row.head * count + p] += ofRow[p];
  });
});

export const attentionByRows = [forward, backward];

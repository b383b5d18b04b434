import type { Primitive } from "../core/tensor.js";
import type { Partials } from "../kernels/kernel.js";
import {
  attentionBackwardOperands,
  attentionBackwardPrimitive,
  attentionOperands,
  attentionPrimitive,
  type AttentionAttributes,
} from "../kernels/primitives.js";
import { accumulate, gridOf } from "../numerics/pair-products.js";
import { eachBlock, eachSeen, pairFunctionOf } from "./attention-blocks.js";
import { attentionByRows, bentScore, dot, emptyPair, gradientsIn, weigh } from "./attention-rows.js";
import { implement, type Compute, type Numbers, type Operand } from "./backend.js";

/** Whether all numbers are finite. */
function areFinite({ data }: Operand): boolean {
  let lost = 0;
  for (let at = 0; at < data.length; at++) lost += data[at] - data[at];
  return lost === 0;
}

const computeByRows = new Map(attentionByRows);

/**
 * Computes by blocks what they can, and the rest row by row: pair products of other kinds, and numbers that are not
 * finite, because blocks multiply by zero what a mask hides.
 */
function implementBlocked<Attributes extends AttentionAttributes>(
  primitive: Primitive<Attributes>,
  factors: (inputs: readonly Operand[]) => readonly Operand[],
  compute: Compute<Attributes>,
): ReturnType<typeof implement> {
  const rest = computeByRows.get(primitive) as Compute<Attributes>;
  return implement(primitive, (inputs, outputs, attributes) => {
    const isBlocked = pairFunctionOf(attributes.kernel.formula) !== undefined && factors(inputs).every(areFinite);
    (isBlocked ? compute : rest)(inputs, outputs, attributes);
  });
}

const forwardFactors = (inputs: readonly Operand[]): Operand[] => {
  const { q, k, v } = attentionOperands(inputs);
  return [q, k, v];
};
const backwardFactors = (inputs: readonly Operand[]): Operand[] => {
  const { q, k, v, cotangent } = attentionBackwardOperands(inputs);
  return [q, k, v, cotangent];
};

const forward = implementBlocked(attentionPrimitive, forwardFactors, (inputs, [output, statistic], attributes) => {
  const { q, k, v, parameters, bias } = attentionOperands(inputs);
  const { kernel, extents, softcap } = attributes;
  const { formula, normalizer } = kernel;
  const { keys, valueDim } = extents;
  const pair = emptyPair();
  const [scores, places] = [new Float64Array(keys), new Int32Array(keys)];
  let weights = new Float64Array(0);
  eachBlock([q, k, parameters], attributes, (block) => {
    const { rows, first, width, learned } = block;
    const pairs = rows.length * width;
    weights = weights.length < pairs ? new Float64Array(pairs) : weights.fill(0, 0, pairs);
    rows.forEach((row, r) => {
      let count = 0;
      eachSeen(block, r, bias?.data, attributes, pair, (at, _, added) => {
        places[count] = at;
        scores[count++] = bentScore(formula.score(pair, learned), pair, softcap) + added;
      });
      const seen = scores.subarray(0, count);
      statistic.data[row.index] = weigh(seen, normalizer, formula, keys);
      for (let at = 0; at < count; at++) weights[places[at]] = seen[at];
    });
    accumulate(
      "product",
      gridOf(weights, 0, rows.length, width),
      gridOf(v.data, rows[0].values + first * valueDim, width, valueDim, true),
      gridOf(output.data, rows[0].index * valueDim, rows.length, valueDim),
    );
  });
});

/** Gradients by q and k of pair products of |x - y|, whose slopes are given: [rows, width]. */
function spreadSigns(
  slopes: Float64Array,
  [q, queryStart]: readonly [Numbers, number],
  [k, keyStart]: readonly [Numbers, number],
  [dq, dk]: readonly (Numbers | undefined)[],
  width: number,
  dim: number,
): void {
  slopes.forEach((slope, at) => {
    if (slope === 0) return;
    const [query, key] = [queryStart + Math.floor(at / width) * dim, keyStart + (at % width) * dim];
    for (let c = 0; c < dim; c++) {
      const [x, y] = [q[query + c], k[key + c]];
      const term = x > y ? slope : x < y ? -slope : 0;
      if (dq) dq[query + c] += term;
      if (dk) dk[key + c] -= term;
    }
  });
}

const backward = implementBlocked(attentionBackwardPrimitive, backwardFactors, (inputs, outputs, attributes) => {
  const { kernel, extents, softcap } = attributes;
  const { q, k, v, parameters, bias, output, statistic, cotangent } = attentionBackwardOperands(inputs);
  const [dq, dk, dv, dParameters, dBias] = gradientsIn(outputs, attributes);
  const { dim, valueDim } = extents;
  const { formula, normalizer } = kernel;
  const count = parameters.shape[1];
  const isShared = normalizer === "softmax" || normalizer === "sum"; // a row's weights depend on all its scores
  const pair = emptyPair();
  const partials: Partials = { product: 0, queryNorm: 0, keyNorm: 0, parameters: new Float64Array(count) };
  const ofRow = new Float64Array(count);
  eachBlock([q, k, parameters], attributes, (block) => {
    const { rows, first, width, learned } = block;
    const height = rows.length;
    const [{ query, index }] = rows;
    const [key, value] = [rows[0].keys + first * dim, rows[0].values + first * valueDim];
    const [weights, slopes, dWeights] = [0, 1, 2].map(() => new Float64Array(height * width));
    const keyTerms = new Float64Array(width);
    const cotangents = gridOf(cotangent.data, index * valueDim, height, valueDim);
    accumulate("product", cotangents, gridOf(v.data, value, width, valueDim), gridOf(dWeights, 0, height, width));
    rows.forEach((row, r) => {
      const total = statistic.data[row.index];
      if (normalizer === "sum" && total === 0) return; // such a row gives zeros
      const start = row.index * valueDim;
      const delta = isShared ? dot(output.data, start, cotangent.data, start, valueDim) : 0;
      let queryTerm = 0;
      ofRow.fill(0);
      eachSeen(block, r, bias?.data, attributes, pair, (at, biasAt, added) => {
        const plain = formula.score(pair, learned);
        const score = bentScore(plain, pair, softcap) + added;
        const raw = normalizer === "softmax" ? Math.exp(score - total) : formula.weight(score);
        weights[at] = normalizer === "softmax" ? raw : raw / total;
        const slope = normalizer === "softmax" ? raw : formula.weightDerivative(score, raw) / total;
        const dBent = slope * (dWeights[at] - delta);
        if (dBias) dBias[biasAt] += dBent;
        const dScore = softcap > 0 ? dBent * (1 - Math.tanh(plain / softcap) ** 2) : dBent;
        formula.partials(pair, learned, partials);
        slopes[at] = dScore * partials.product;
        queryTerm += 2 * dScore * partials.queryNorm;
        keyTerms[at - r * width] += 2 * dScore * partials.keyNorm;
        for (let p = 0; p < count; p++) ofRow[p] += dScore * partials.parameters[p];
      });
      if (dParameters) for (let p = 0; p < count; p++) dParameters[row.head * count + p] += ofRow[p];
      if (dq) for (let c = row.query; c < row.query + dim; c++) dq[c] += queryTerm * q.data[c];
    });
    if (dv)
      accumulate(
        "product",
        gridOf(weights, 0, height, width, true),
        gridOf(cotangent.data, index * valueDim, height, valueDim, true),
        gridOf(dv, value, width, valueDim),
      );
    if (dk) for (let at = 0; at < width * dim; at++) dk[key + at] += keyTerms[Math.floor(at / dim)] * k.data[key + at];
    if (formula.component !== undefined) {
      spreadSigns(slopes, [q.data, query], [k.data, key], [dq, dk], width, dim);
      return;
    }
    if (dq)
      accumulate(
        "product",
        gridOf(slopes, 0, height, width),
        gridOf(k.data, key, width, dim, true),
        gridOf(dq, query, height, dim),
      );
    if (dk)
      accumulate(
        "product",
        gridOf(slopes, 0, height, width, true),
        gridOf(q.data, query, height, dim, true),
        gridOf(dk, key, width, dim),
      );
  });
});

export const attention = [forward, backward];

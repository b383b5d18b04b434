import { add, divide, eluPlusOne, multiply, relu, subtract, where } from "../autograd/arithmetic.js";
import { reshape } from "../autograd/broadcast.js";
import { matmul } from "../autograd/matmul.js";
import { concat, slice } from "../autograd/slices.js";
import { max } from "../autograd/reductions.js";
import { stopGradient } from "../autograd/tape.js";
import { UnsupportedError } from "../core/errors.js";
import { checkOptions } from "../core/options.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { finitePart, lostOfRows, poisoned } from "./hidden.js";
import type { ComposedKernel } from "./kernel.js";
import { repeatHeads } from "./heads.js";
import { and, partsOf, variesByKey, variesByQuery, type Mask, type MaskSizes } from "./mask.js";
import { printedKernel } from "./printing.js";
import { densify, isCausal, seeing } from "./resolve-mask.js";

/**
 * Tokens whose weights are computed pair by pair where a mask is causal, and the most queries that may have any other
 * mask.
 */
const CHUNK = 64;

/** Tokens as chunks, [batch, heads, chunks, CHUNK, width]; the last is filled up with `filler`. */
function inChunks(x: Tensor, filler: number): Tensor {
  const [batch, heads, tokens, width] = x.shape;
  const missing = (CHUNK - (tokens % CHUNK)) % CHUNK;
  const whole = missing === 0 ? x : concat([x, x.backend.full(filler, [batch, heads, missing, width])], 2);
  return reshape(whole, [batch, heads, -1, CHUNK, width]);
}

/** x shifted by `steps` chunks to later positions, with zeros before. */
function later(x: Tensor, steps: number): Tensor {
  const [batch, heads, chunks, ...rest] = x.shape;
  const zeros = x.backend.full(0, [batch, heads, Math.min(steps, chunks), ...rest]);
  return steps >= chunks ? zeros : concat([zeros, slice(x, 2, 0, chunks - steps)], 2);
}

/** The first `count` tokens; zeros where there are fewer. */
function asManyAs(count: number, x: Tensor): Tensor {
  const [batch, heads, tokens, width] = x.shape;
  return tokens >= count
    ? slice(x, 2, 0, count)
    : concat([x, x.backend.full(0, [batch, heads, count - tokens, width])], 2);
}

/**
 * Σ over j ≤ i of φ(q_i)·φ(k_j) v_j: pairs inside a chunk, and for all chunks before it one matrix Σ φ(k_j)
 * v_jᵀ.
 */
function causalSums(features: Tensor, keys: Tensor, values: Tensor): Tensor {
  const tokens = features.shape[2];
  const [q, k, v] = [inChunks(features, 1), inChunks(asManyAs(tokens, keys), 0), inChunks(asManyAs(tokens, values), 0)];
  const triangle = Float32Array.from({ length: CHUNK * CHUNK }, (_, pair) =>
    pair % CHUNK <= Math.floor(pair / CHUNK) ? 1 : 0,
  );
  const inside = multiply(matmul(q, k, { transposeB: true }), q.backend.tensor(triangle, [CHUNK, CHUNK]));
  let memory = matmul(k, v, { transposeA: true });
  for (let steps = 1; steps < memory.shape[2]; steps *= 2) memory = add(memory, later(memory, steps));
  const [batch, heads, , width] = values.shape;
  const sums = add(matmul(inside, v), matmul(q, later(memory, 1)));
  return slice(reshape(sums, [batch, heads, -1, width]), 2, 0, tokens);
}

/**
 * Whether a pair is seen, by a mask that does not differ between queries: [batch or 1, heads or 1, m or 1, 1]. The same
 * for queries, by one that does not differ between keys.
 */
function seenTokens(mask: Mask, sizes: MaskSizes, backend: Backend): Tensor {
  const {
    seen,
    shape: [batch, heads, queries, keys],
  } = densify(mask, sizes);
  return backend.tensor(seen, [batch, heads, queries * keys, 1]);
}

/**
 * Σ_j over the keys that a query sees of φ(q_i)·φ(k_j) v_j. What hides keys, or queries, alone takes linear time.
 */
function maskedSums(features: Tensor, keys: Tensor, values: Tensor, mask: Mask): Tensor {
  const {
    backend,
    shape: [batch, heads, queries],
  } = features;
  const sizes = { batch, heads, queries, keys: keys.shape[2] };
  const ofKeys = partsOf(mask).filter((part) => !variesByQuery(part));
  const ofQueries = partsOf(mask).filter((part) => variesByQuery(part) && !variesByKey(part));
  const ofPairs = and(...partsOf(mask).filter((part) => variesByQuery(part) && variesByKey(part)));
  const seenKeys = ofKeys.length === 0 ? keys : multiply(keys, seenTokens(and(...ofKeys), sizes, backend));
  const sums = pairSums(features, seenKeys, values, ofPairs, sizes);
  return ofQueries.length === 0 ? sums : multiply(sums, seenTokens(and(...ofQueries), sizes, backend));
}

function pairSums(features: Tensor, keys: Tensor, values: Tensor, mask: Mask, sizes: MaskSizes): Tensor {
  if (partsOf(mask).length === 0) return matmul(features, matmul(keys, values, { transposeA: true }));
  if (sizes.queries > CHUNK && isCausal(mask, sizes)) return causalSums(features, keys, values);
  if (sizes.queries > CHUNK) {
    throw new UnsupportedError({
      where: "attention",
      argument: "mask",
      wanted: `causal(), a mask of queries or keys alone, or at most ${CHUNK} queries, for linear attention`,
      got: `another mask over ${sizes.queries} queries`,
      fix: "Take another kernel, or split the queries.",
    });
  }
  const { seen, shape } = densify(mask, sizes);
  return matmul(multiply(matmul(features, keys, { transposeB: true }), features.backend.tensor(seen, shape)), values);
}

/** The maximum over `axes`, at most 0. After subtracting it from x, φ does not underflow at the maximum. */
function excess(x: Tensor, axes: number | readonly number[]): Tensor {
  return stopGradient(multiply(relu(multiply(max(x, axes, { keepAxes: true }), -1)), -1));
}

/** The sums under a mask. A non-finite key or value gives NaN only in the rows that see it. */
function guardedSums(q: Tensor, k: Tensor, values: Tensor, mask: Mask): Tensor {
  const [batch, heads, tokens] = k.shape;
  const ones = (like: Tensor): Tensor => q.backend.full(1, [batch, heads, like.shape[2], 1]);
  const lost = add(lostOfRows(k), lostOfRows(values));
  const [queries, keys] = [finitePart(q), finitePart(k)];
  const features = eluPlusOne(subtract(queries, excess(queries, -1)));
  const sums = maskedSums(features, eluPlusOne(subtract(keys, excess(keys, [-2, -1]))), finitePart(values), mask);
  const sizes = { batch, heads, queries: q.shape[2], keys: tokens };
  const total = slice(sums, 3, values.shape[3] - 1, 1);
  const { seen, shape } = seeing(mask, sizes);
  const sees = q.backend.tensor(seen, shape);
  const quotients = divide(slice(sums, 3, 0, values.shape[3] - 1), where(sees, total, 1));
  return poisoned(
    where(sees, quotients, 0),
    add(maskedSums(ones(q), lost, ones(k), mask), where(sees, lostOfRows(q), 0)),
  );
}

/**
 * Linear attention: out_i = φ(q_i)ᵀA / φ(q_i)·z with A = Σ_j φ(k_j) v_jᵀ, z = Σ_j φ(k_j) and φ(x) = elu(x)
 * + 1.
 *
 * Time and memory O(n + m) in both directions, also with masks that hide keys or queries alone, O(n log n) with
 * `causal()`: no n × m array exists. Other masks go through the weights of at most 64 queries. Learns nothing. Source:
 * Katharopoulos et al., Transformers are RNNs, arXiv 2006.16236.
 */
export function linear(options: Record<never, never> = {}): ComposedKernel {
  checkOptions("linear", options, {});
  return {
    ...printedKernel,
    name: "linear",
    options: ["mask"],
    compose({ q, k, v }, { mask }) {
      const heads = q.shape[1];
      const keys = repeatHeads(k, heads);
      // A further value of 1 sums the weights.
      const [batch, , tokens, width] = v.shape;
      const values = concat([repeatHeads(v, heads), v.backend.full(1, [batch, heads, tokens, 1])], 3);
      if (mask !== undefined) return guardedSums(q, keys, values, mask);
      const features = eluPlusOne(subtract(q, excess(q, -1)));
      const sums = matmul(
        features,
        matmul(eluPlusOne(subtract(keys, excess(keys, [-2, -1]))), values, { transposeA: true }),
      );
      return divide(slice(sums, 3, 0, width), slice(sums, 3, width, 1));
    },
  };
}

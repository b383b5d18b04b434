import { add, divide, eluPlusOne, equal, multiply } from "../autograd/arithmetic.js";
import { reshape } from "../autograd/broadcast.js";
import { matmul } from "../autograd/matmul.js";
import { concat, slice } from "../autograd/parts.js";
import { UnsupportedError } from "../core/errors.js";
import type { Tensor } from "../core/tensor.js";
import type { ComposedKernel } from "./kernel.js";
import { repeatHeads } from "./mahalanobis.js";
import { densify, isCausal, type Mask } from "./mask.js";
import { printedKernel } from "./printing.js";

/** Tokens whose weights are computed pair by pair where a mask is causal, and the most queries that may have any other mask. */
const CHUNK = 64;

/** Tokens as chunks, [batch, heads, chunks, CHUNK, width]; the last is filled up with `filler`. */
function inChunks(x: Tensor, filler: number): Tensor {
  const [batch, heads, tokens, width] = x.shape;
  const missing = (CHUNK - (tokens % CHUNK)) % CHUNK;
  const whole = missing === 0 ? x : concat([x, x.backend.full(filler, [batch, heads, missing, width])], 2);
  return reshape(whole, [batch, heads, -1, CHUNK, width]);
}

/** x, later by `steps` chunks; zeros before. */
function later(x: Tensor, steps: number): Tensor {
  const [batch, heads, chunks, ...rest] = x.shape;
  const zeros = x.backend.full(0, [batch, heads, Math.min(steps, chunks), ...rest]);
  return steps >= chunks ? zeros : concat([zeros, slice(x, 2, 0, chunks - steps)], 2);
}

/** The first `count` tokens; zeros where there are fewer. */
function asManyAs(count: number, x: Tensor): Tensor {
  const [batch, heads, tokens, width] = x.shape;
  return tokens >= count ? slice(x, 2, 0, count) : concat([x, x.backend.full(0, [batch, heads, count - tokens, width])], 2);
}

/** Σ over j ≤ i of φ(q_i)·φ(k_j) v_j: pairs inside a chunk, and for all chunks before it one matrix Σ φ(k_j) v_jᵀ. */
function causalSums(features: Tensor, keys: Tensor, values: Tensor): Tensor {
  const tokens = features.shape[2];
  const [q, k, v] = [inChunks(features, 1), inChunks(asManyAs(tokens, keys), 0), inChunks(asManyAs(tokens, values), 0)];
  const triangle = Float32Array.from({ length: CHUNK * CHUNK }, (_, pair) => (pair % CHUNK <= Math.floor(pair / CHUNK) ? 1 : 0));
  const inside = multiply(matmul(q, k, { transposeB: true }), q.backend.tensor(triangle, [CHUNK, CHUNK]));
  let memory = matmul(k, v, { transposeA: true });
  for (let steps = 1; steps < memory.shape[2]; steps *= 2) memory = add(memory, later(memory, steps));
  const [batch, heads, , width] = values.shape;
  const sums = add(matmul(inside, v), matmul(q, later(memory, 1)));
  return slice(reshape(sums, [batch, heads, -1, width]), 2, 0, tokens);
}

/** Σ_j over the keys that a query sees of φ(q_i)·φ(k_j) v_j. */
function maskedSums(features: Tensor, keys: Tensor, values: Tensor, mask: Mask): Tensor {
  const [batch, heads, queries] = features.shape;
  const sizes = { batch, heads, queries, keys: keys.shape[2] };
  if (queries > CHUNK && isCausal(mask, sizes)) return causalSums(features, keys, values);
  if (queries > CHUNK) {
    throw new UnsupportedError({
      where: "attention",
      argument: "mask",
      wanted: `causal(), or at most ${CHUNK} queries, for linear attention`,
      got: `another mask over ${queries} queries`,
      fix: "Take another kernel, or split the queries.",
    });
  }
  const { seen, shape } = densify(mask, sizes);
  return matmul(multiply(matmul(features, keys, { transposeB: true }), features.backend.tensor(seen, shape)), values);
}

/**
 * Linear attention: out_i = φ(q_i)ᵀA / φ(q_i)·z with A = Σ_j φ(k_j) v_jᵀ, z = Σ_j φ(k_j) and φ(x) = elu(x) + 1.
 *
 * Time and memory O(n + m) in both directions, O(n log n) with `causal()`: no n × m array exists. Other masks go through the weights of at
 * most 64 queries. Learns nothing. Source: Katharopoulos et al., Transformers are RNNs, arXiv 2006.16236.
 */
export function linear(): ComposedKernel {
  return {
    ...printedKernel,
    name: "linear",
    options: ["mask"],
    compose({ q, k, v }, { mask }) {
      const heads = q.shape[1];
      const features = eluPlusOne(q);
      const keys = eluPlusOne(repeatHeads(k, heads));
      // A further value of 1 sums the weights; a query that sees no key has the sum 0, and gets 0 / 1.
      const [batch, , tokens, width] = v.shape;
      const values = concat([repeatHeads(v, heads), v.backend.full(1, [batch, heads, tokens, 1])], 3);
      const sums = mask === undefined ? matmul(features, matmul(keys, values, { transposeA: true })) : maskedSums(features, keys, values, mask);
      const totals = slice(sums, 3, width, 1);
      return divide(slice(sums, 3, 0, width), mask === undefined ? totals : add(totals, equal(totals, q.backend.full(0, [1]))));
    },
  };
}

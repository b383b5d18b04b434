import { indices, ops, type Tensor } from "../../src/index.js";

type Inputs = Readonly<Record<string, Tensor>>;

/** q·k for every pair, [batch, heads, n, m]. */
const products = ({ q, k }: Inputs): Tensor => ops.matmul(q, k, { transposeB: true });

/** ‖q-k‖² for every pair, from the expanded square clamped at 0. */
function squaredDistances(inputs: Inputs): Tensor {
  const { q, k } = inputs;
  const [batch, heads, keys] = k.shape as [number, number, number];
  const queryNorms = ops.sum(ops.square(q), -1, { keepAxes: true });
  const keyNorms = ops.reshape(ops.sum(ops.square(k), -1), [batch, heads, 1, keys]);
  return ops.relu(ops.addScaled(ops.add(queryNorms, keyNorms), products(inputs), -2));
}

/** A kernel's parameter, one number a head, against [batch, heads, n, m]. */
const perHead = (parameter: Tensor): Tensor => ops.reshape(parameter, [-1, 1, 1]);

const softmax = (inputs: Inputs): Tensor => ops.softmax(ops.multiply(products(inputs), perHead(inputs["scale"])));
const gaussianScores = (inputs: Inputs): Tensor =>
  ops.multiply(ops.multiply(squaredDistances(inputs), perHead(inputs["gamma"])), -0.5);

/** One number for every i - j, [heads, n + m - 1], as [heads, n, m]. */
function byDistance(positions: Tensor, queries: number, keys: number): Tensor {
  const ids = Array.from({ length: queries * keys }, (_, pair) => Math.floor(pair / keys) - (pair % keys) + keys - 1);
  return ops.permute(ops.embedding(ops.permute(positions, [1, 0]), indices(ids, [queries, keys])), [2, 0, 1]);
}

function relativePosition(inputs: Inputs): Tensor {
  const { q, k, scale, positions } = inputs;
  const scores = ops.multiply(products(inputs), perHead(scale));
  return ops.softmax(ops.add(scores, byDistance(positions, q.shape[2], k.shape[2])));
}

/**
 * The matrix of weights [batch, heads, n, m] of every kernel by its name in the registry, as a composition of plain
 * operations: an oracle that shares no code with the fused passes. In float32 it is the unfused computation that they must match.
 */
const weights: Readonly<Record<string, (inputs: Inputs) => Tensor>> = {
  softmax,
  gaussian: (inputs) => ops.exp(gaussianScores(inputs)),
  relativePosition,
  gaussianNormalized: (inputs) => ops.softmax(gaussianScores(inputs)),
};

/** Attention through the whole matrix of weights. */
export function unfusedAttention(name: string, inputs: Inputs): Tensor {
  return ops.matmul(weights[name](inputs), inputs["v"]);
}

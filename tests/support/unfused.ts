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

/** q·k/√d */
const scaled = (inputs: Inputs): Tensor => ops.multiply(products(inputs), 1 / Math.sqrt(inputs["q"].shape[3]));

function cosines(inputs: Inputs): Tensor {
  const unit = (x: Tensor): Tensor => ops.divide(x, ops.sqrt(ops.sum(ops.square(x), -1, { keepAxes: true })));
  return products({ q: unit(inputs["q"]), k: unit(inputs["k"]) });
}

/** Σ_c |q_c - k_c| for every pair. */
function manhattan({ q, k }: Inputs): Tensor {
  const [batch, heads, n, d] = q.shape;
  const differences = ops.subtract(ops.reshape(q, [batch, heads, n, 1, d]), ops.reshape(k, [batch, heads, 1, k.shape[2], d]));
  return ops.sum(ops.abs(differences), -1);
}

/** a_ij / Σ_j a_ij */
const byRowSum = (a: Tensor): Tensor => ops.divide(a, ops.sum(a, -1, { keepAxes: true }));
const withMetric = (inputs: Inputs, metric: Tensor): Inputs => ({ ...inputs, q: ops.matmul(inputs["q"], metric), k: ops.matmul(inputs["k"], metric) });

/**
 * The matrix of weights [batch, heads, n, m] of every kernel by its name in the registry, as a composition of plain
 * operations: an oracle that shares no code with the fused passes. In float32 it is the unfused computation that they must match.
 */
const weights: Readonly<Record<string, (inputs: Inputs) => Tensor>> = {
  softmax,
  gaussian: (inputs) => ops.exp(gaussianScores(inputs)),
  relativePosition,
  gaussianNormalized: (inputs) => ops.softmax(gaussianScores(inputs)),
  mahalanobis: (inputs) => ops.exp(gaussianScores(withMetric(inputs, inputs["metric"]))),
  elliptical: (inputs) => {
    const [batch, heads, d] = inputs["metric"].shape;
    return softmax({ ...inputs, k: ops.multiply(inputs["k"], ops.reshape(ops.stopGradient(inputs["metric"]), [batch, heads, 1, d])) });
  },
  symmetric: softmax,
  pairwise: (inputs) => softmax({ ...inputs, q: ops.matmul(inputs["q"], inputs["coupling"]) }),
  cosine: (inputs) => ops.softmax(ops.divide(cosines(inputs), perHead(inputs["temperature"]))),
  sigmoid: (inputs) => ops.sigmoid(ops.add(scaled(inputs), perHead(inputs["bias"]))),
  relu: (inputs) => ops.divide(ops.relu(scaled(inputs)), inputs["k"].shape[2]),
  polynomial: (inputs) => byRowSum(ops.power(ops.add(scaled(inputs), perHead(inputs["offset"])), 2)),
  laplacian: (inputs) => ops.softmax(ops.multiply(ops.divide(manhattan(inputs), perHead(inputs["temperature"])), -1)),
  decoupled: (inputs) => {
    const { q, k, queryPositions, keyPositions } = inputs;
    const scores = ops.add(products({ q, k }), products({ q: queryPositions, k: keyPositions }));
    return ops.softmax(ops.multiply(scores, perHead(inputs["scale"])));
  },
  linear: ({ q, k }) => byRowSum(products({ q: ops.eluPlusOne(q), k: ops.eluPlusOne(k) })),
  factored: ({ positions }) => ops.reshape(positions, [1, ...positions.shape]),
};

/** softmax(s₁) v - λ softmax(s₂) v over the halves of q and k, normalised; λ₀ = 0.2. */
function differential({ q, k, v, lambdaQuery1, lambdaKey1, lambdaQuery2, lambdaKey2 }: Inputs): Tensor {
  const width = q.shape[3] / 2;
  const map = (start: number): Tensor =>
    ops.softmax(scaled({ q: ops.slice(q, -1, start, width), k: ops.slice(k, -1, start, width) }));
  const lambda = ops.add(
    ops.subtract(ops.exp(ops.sum(ops.multiply(lambdaQuery1, lambdaKey1))), ops.exp(ops.sum(ops.multiply(lambdaQuery2, lambdaKey2)))),
    0.2,
  );
  const mixed = ops.matmul(ops.subtract(map(0), ops.multiply(map(width), ops.reshape(lambda, [1]))), v);
  const meanSquare = ops.add(ops.mean(ops.square(mixed), -1, { keepAxes: true }), 1e-5);
  return ops.multiply(ops.divide(mixed, ops.sqrt(meanSquare)), 0.8);
}

/** Attention through the whole matrix of weights. */
export function unfusedAttention(name: string, inputs: Inputs): Tensor {
  if (name === "differential") return differential(inputs);
  return ops.matmul(weights[name](inputs), inputs["v"]);
}

import { indices, ops, type Tensor } from "../../src/index.js";

/**
 * The weights [batch, heads, n, m] of a kernel; `seen` [batch or 1, heads or 1, n, m] is 1 for pairs that a mask
 * allows.
 */
type Weights = (inputs: Inputs, seen?: Tensor) => Tensor;
type Inputs = Readonly<Record<string, Tensor>>;

/** Far below every score, and far from overflow. */
const HIDDEN = 1e9;

/** Scores as weights e^s over their row sum; `seen` is 1 for the pairs that count, and a row without any gets zeros. */
function softmaxRows(scores: Tensor, seen?: Tensor): Tensor {
  if (seen === undefined) return ops.softmax(scores);
  return ops.multiply(ops.softmax(ops.add(scores, ops.multiply(ops.subtract(seen, 1), HIDDEN))), seen);
}

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

const softmax: Weights = (inputs, seen) => softmaxRows(ops.multiply(products(inputs), perHead(inputs["scale"])), seen);
const gaussianScores = (inputs: Inputs): Tensor =>
  ops.multiply(ops.multiply(squaredDistances(inputs), perHead(inputs["gamma"])), -0.5);

/** Expands one number per i - j, [heads, n + m - 1], to [heads, n, m]. */
function byDistance(positions: Tensor, queries: number, keys: number): Tensor {
  const ids = Array.from({ length: queries * keys }, (_, pair) => Math.floor(pair / keys) - (pair % keys) + keys - 1);
  return ops.permute(ops.embedding(ops.permute(positions, [1, 0]), indices(ids, [queries, keys])), [2, 0, 1]);
}

function relativePosition(inputs: Inputs, seen?: Tensor): Tensor {
  const { q, k, scale, positions } = inputs;
  const scores = ops.multiply(products(inputs), perHead(scale));
  return softmaxRows(ops.add(scores, byDistance(positions, q.shape[2], k.shape[2])), seen);
}

/** scale·(q·k); the scale is 1/√d unless it is among the inputs. */
const scaled = (inputs: Inputs): Tensor =>
  ops.multiply(products(inputs), "scale" in inputs ? perHead(inputs["scale"]) : 1 / Math.sqrt(inputs["q"].shape[3]));

function cosines(inputs: Inputs): Tensor {
  const unit = (x: Tensor): Tensor => ops.divide(x, ops.sqrt(ops.sum(ops.square(x), -1, { keepAxes: true })));
  return products({ q: unit(inputs["q"]), k: unit(inputs["k"]) });
}

/** Σ_c |q_c - k_c| for every pair. */
function manhattan({ q, k }: Inputs): Tensor {
  const [batch, heads, n, d] = q.shape;
  const differences = ops.subtract(
    ops.reshape(q, [batch, heads, n, 1, d]),
    ops.reshape(k, [batch, heads, 1, k.shape[2], d]),
  );
  return ops.sum(ops.abs(differences), -1);
}

/** a_ij, and 0 for pairs that do not count. */
const only = (a: Tensor, seen?: Tensor): Tensor => (seen === undefined ? a : ops.multiply(a, seen));

/** a_ij / Σ_j a_ij; zeros where the sum is 0. */
function byRowSum(a: Tensor, seen?: Tensor): Tensor {
  const counted = only(a, seen);
  const sums = ops.sum(counted, -1, { keepAxes: true });
  return ops.divide(counted, seen === undefined ? sums : ops.add(sums, ops.equal(sums, sums.backend.full(0, [1]))));
}
const withMetric = (inputs: Inputs, metric: Tensor): Inputs => ({
  ...inputs,
  q: ops.matmul(inputs["q"], metric),
  k: ops.matmul(inputs["k"], metric),
});

/**
 * The matrix of weights [batch, heads, n, m] of every kernel of the registry, composed of plain operations: an oracle
 * that shares no code with the fused passes. In float32 it is the unfused computation that they must match.
 */
const weights: Readonly<Record<string, Weights>> = {
  softmax,
  gaussian: (inputs, seen) => only(ops.exp(gaussianScores(inputs)), seen),
  relativePosition,
  gaussianNormalized: (inputs, seen) => softmaxRows(gaussianScores(inputs), seen),
  mahalanobis: (inputs, seen) => only(ops.exp(gaussianScores(withMetric(inputs, inputs["metric"]))), seen),
  elliptical: (inputs, seen) => {
    const [batch, heads, d] = inputs["metric"].shape;
    return softmax(
      {
        ...inputs,
        k: ops.multiply(inputs["k"], ops.reshape(ops.stopGradient(inputs["metric"]), [batch, heads, 1, d])),
      },
      seen,
    );
  },
  symmetric: softmax,
  pairwise: (inputs, seen) => softmax({ ...inputs, q: ops.matmul(inputs["q"], inputs["coupling"]) }, seen),
  cosine: (inputs, seen) => softmaxRows(ops.divide(cosines(inputs), perHead(inputs["temperature"])), seen),
  sigmoid: (inputs, seen) => only(ops.sigmoid(ops.add(scaled(inputs), perHead(inputs["bias"]))), seen),
  relu: (inputs, seen) => only(ops.divide(ops.relu(scaled(inputs)), inputs["k"].shape[2]), seen),
  polynomial: (inputs, seen) => byRowSum(ops.power(ops.add(scaled(inputs), perHead(inputs["offset"])), 2), seen),
  laplacian: (inputs, seen) =>
    softmaxRows(ops.multiply(ops.divide(manhattan(inputs), perHead(inputs["temperature"])), -1), seen),
  decoupled: (inputs, seen) => {
    const { q, k, queryPositions, keyPositions } = inputs;
    const scores = ops.add(products({ q, k }), products({ q: queryPositions, k: keyPositions }));
    return softmaxRows(ops.multiply(scores, perHead(inputs["scale"])), seen);
  },
  linear: ({ q, k }, seen) => byRowSum(products({ q: ops.eluPlusOne(q), k: ops.eluPlusOne(k) }), seen),
  factored: ({ positions }, seen) => only(ops.reshape(positions, [1, ...positions.shape]), seen),
  spatial: ({ q, k, positions, decay }, seen) => {
    const [heads, n, m] = [q.shape[1], q.shape[2], k.shape[2]];
    const distance = Float64Array.from({ length: n * m }, (_, pair) => Math.abs(Math.floor(pair / m) - (pair % m)));
    const away = q.backend.tensor(
      distance.map((d) => -d),
      [1, n, m],
    );
    const shares = ops.softmax(ops.multiply(perHead(decay), away));
    return only(ops.reshape(ops.multiply(byDistance(positions, n, m), shares), [1, heads, n, m]), seen);
  },
};

/** softmax(s₁) v - λ softmax(s₂) v over the halves of q and k, normalised; λ₀ = 0.2. */
function differential({ q, k, v, lambdaQuery1, lambdaKey1, lambdaQuery2, lambdaKey2 }: Inputs, seen?: Tensor): Tensor {
  const width = q.shape[3] / 2;
  const map = (start: number): Tensor =>
    softmaxRows(scaled({ q: ops.slice(q, -1, start, width), k: ops.slice(k, -1, start, width) }), seen);
  const lambda = ops.add(
    ops.subtract(
      ops.exp(ops.sum(ops.multiply(lambdaQuery1, lambdaKey1))),
      ops.exp(ops.sum(ops.multiply(lambdaQuery2, lambdaKey2))),
    ),
    0.2,
  );
  const mixed = ops.matmul(ops.subtract(map(0), ops.multiply(map(width), ops.reshape(lambda, [1]))), v);
  const meanSquare = ops.add(ops.mean(ops.square(mixed), -1, { keepAxes: true }), 1e-5);
  return ops.multiply(ops.divide(mixed, ops.sqrt(meanSquare)), 0.8);
}

/** Attention through the whole matrix of weights. */
export function unfusedAttention(name: string, inputs: Inputs, seen?: Tensor): Tensor {
  if (name === "differential") return differential(inputs, seen);
  return ops.matmul(weights[name](inputs, seen), inputs["v"]);
}

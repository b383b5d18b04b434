import * as library from "../../src/standalone.js";
import {
  alibi,
  attention,
  attentionMap,
  attentionWithStatistic,
  causal,
  decode,
  gradcheck,
  indices,
  ops,
  random,
  relativeBias,
  softmax,
  valueAndGrad,
  type Backend,
  type ParameterTree,
  type Tensor,
} from "../../src/index.js";
import {
  adam,
  adamw,
  clipGradients,
  encoder,
  gradientDescent,
  mergeParameters,
  multiHead,
  sgd,
  singleLayer,
  splitParameters,
  type Optimizer,
} from "../../src/nn/index.js";
import * as physics from "../../src/physics/index.js";
import { casesFor } from "./attention.js";

/** A public function with good tensors; each of them is replaced in turn. */
interface Call {
  readonly make: (backend: Backend) => ParameterTree;
  readonly run: (tensors: never) => unknown;
  /** Where it does not exist on every backend. */
  readonly only?: "cpu";
}

const of = (backend: Backend, shape: readonly number[]): Tensor =>
  backend.tensor(
    Float32Array.from(random(4).normals(shape.reduce((a, b) => a * b, 1)), (x) => 1 + Math.abs(x)),
    shape,
  );

/** A call with one tensor for every shape. */
const call = (shapes: readonly (readonly number[])[], run: (...tensors: Tensor[]) => unknown): Call => ({
  make: (backend) => shapes.map((shape) => of(backend, shape)),
  run: (tensors: readonly Tensor[]) => run(...tensors),
});

const tree = <Tree extends ParameterTree>(
  make: (backend: Backend) => Tree,
  run: (tensors: Tree) => unknown,
  only?: "cpu",
): Call => ({ make, run: run, only });

const unary = [
  "abs",
  "cos",
  "eluPlusOne",
  "exp",
  "gelu",
  "log",
  "relu",
  "sigmoid",
  "sign",
  "sin",
  "sqrt",
  "square",
  "tanh",
] as const;
const binary = ["add", "atan2", "divide", "equal", "multiply", "subtract"] as const;

export const operations: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(unary.map((name) => [name, call([[2, 3]], (x) => ops[name](x))])),
  ...Object.fromEntries(binary.map((name) => [name, call([[2, 3], [3]], (x, y) => ops[name](x, y))])),
  addScaled: call([[2, 3], [3]], (x, y) => ops.addScaled(x, y, 2)),
  cast: call([[2]], (x) => ops.cast(x, "f32")),
  concat: call(
    [
      [2, 3],
      [1, 3],
      [2, 3],
    ],
    (...parts) => ops.concat(parts, 0),
  ),
  crossEntropy: call([[2, 3]], (x) => ops.crossEntropy(x, indices([0, 2]))),
  dropout: call([[2, 3]], (x) => ops.dropout(x, { rate: 0.5, seed: 1 })),
  embedding: call([[4, 3]], (x) => ops.embedding(x, indices([3, 0]))),
  expand: call([[1, 3]], (x) => ops.expand(x, [2, 3])),
  layerNorm: call([[2, 3], [3], [3]], (x, scale, shift) => ops.layerNorm(x, { scale, shift })),
  matmul: call(
    [
      [2, 3],
      [3, 2],
    ],
    (x, y) => ops.matmul(x, y),
  ),
  max: call([[2, 3]], (x) => ops.max(x, 1)),
  mean: call([[2, 3]], (x) => ops.mean(x, 1)),
  meanSquaredError: call(
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => ops.meanSquaredError(x, y),
  ),
  permute: call([[2, 3]], (x) => ops.permute(x, [1, 0])),
  power: call([[2, 3]], (x) => ops.power(x, 2)),
  reshape: call([[2, 3]], (x) => ops.reshape(x, [6])),
  slice: call([[2, 3]], (x) => ops.slice(x, 1, 0, 2)),
  softmax: call([[2, 3]], (x) => ops.softmax(x)),
  stopGradient: call([[2, 3]], (x) => ops.stopGradient(x)),
  sum: call([[2, 3]], (x) => ops.sum(x, 0)),
};

const qkv = [
  [1, 2, 3, 2],
  [1, 2, 4, 2],
  [1, 2, 4, 3],
] as const;
const extents = { batch: 1, heads: 2, n: 3, m: 3, d: 4, dv: 4 };

/** One step from gradients that were made elsewhere. */
const stepOf = (optimizer: () => Optimizer): Call =>
  tree(
    (backend) => ({
      parameters: { a: of(backend, [2]), b: of(backend, [3]) },
      gradients: { a: of(backend, [2]), b: of(backend, [3]) },
    }),
    ({ parameters, gradients }) => {
      const own = optimizer();
      try {
        own.step(parameters, gradients);
      } finally {
        own.dispose();
      }
    },
  );

const model = encoder({ kernel: softmax(), vocabulary: 5, classes: 2, tokens: 3, width: 4, hidden: 4, layers: 1 });
const layer = multiHead({ kernel: softmax(), width: 4, heads: 2 });
const single = singleLayer({ kernel: softmax(), heads: 2, width: 3, outputWidth: 1 });
const predictor = physics.factoredPredictor(3, 2);

const others: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(
    Object.keys(library.kernels).map((name) => {
      const { shapes, run } = casesFor(name, extents).fused;
      return [
        `attention with ${name}`,
        tree(
          (backend) => Object.fromEntries(Object.entries(shapes).map(([input, shape]) => [input, of(backend, shape)])),
          run,
        ),
      ];
    }),
  ),
  "attention with a bias": call([...qkv, [1, 1, 3, 4]], (q, k, v, bias) =>
    attention(softmax(), { q, k, v }, { bias, mask: causal() }),
  ),
  alibi: call([...qkv, [2]], (q, k, v, slopes) => attention(softmax(), { q, k, v }, { bias: alibi(slopes, 3, 4) })),
  relativeBias: call([...qkv, [1, 6]], (q, k, v, relative) =>
    attention(softmax(), { q, k, v }, { bias: relativeBias(relative) }),
  ),
  attentionWithStatistic: call(qkv, (q, k, v) => attentionWithStatistic(softmax(), { q, k, v })),
  // of v only the shape matters
  attentionMap: call(qkv.slice(0, 2), (q, k) => attentionMap(softmax(), { q, k, v: k })),
  decode: tree(
    (backend) => ({
      keys: of(backend, [1, 2, 4, 2]),
      values: of(backend, [1, 2, 4, 2]),
      q: of(backend, [1, 2, 1, 2]),
      k: of(backend, [1, 2, 1, 2]),
      v: of(backend, [1, 2, 1, 2]),
    }),
    ({ keys, values, q, k, v }) =>
      decode(
        { kernel: softmax(), capacity: 4, length: 0, keys, values, bytes: 0, dispose: () => undefined },
        { q, k, v },
      ),
  ),
  valueAndGrad: tree(
    (backend) => ({ a: of(backend, [2]), b: of(backend, [2]) }),
    (p) => valueAndGrad(({ a, b }) => ops.sum(ops.multiply(a, b)), p),
  ),
  "valueAndGrad with a tensor that the loss closes over": call([[2], [2]], (x, outside) =>
    valueAndGrad(({ a }) => ops.sum(ops.multiply(a, outside)), { a: x }),
  ),
  gradcheck: tree(
    (backend) => ({ a: of(backend, [2]), b: of(backend, [2]) }),
    (p) => gradcheck(({ a, b }) => ops.sum(ops.multiply(a, b)), p),
    "cpu",
  ),
  "tensor.to": call([[2]], (x) => x.to(x.backend)),
  adam: stepOf(() => adam({ learningRate: 0.1 })),
  adamw: stepOf(() => adamw({ learningRate: 0.1 })),
  clipGradients: tree(
    (backend) => ({ a: of(backend, [2, 3]), b: of(backend, [3]) }),
    (gradients) => clipGradients(gradients, 1),
  ),
  sgd: stepOf(() => sgd({ learningRate: 0.1 })),
  gradientDescent: stepOf(() => gradientDescent({ stepSize: 0.1 })),
  encoder: tree(
    (backend) => model.initialize(backend, random(1)),
    (p) => model.apply(p, indices([0, 1, 2, 3, 4, 0], [2, 3])),
  ),
  "encoder of features": tree(
    (backend) => ({ p: model.initialize(backend, random(1)), x: of(backend, [2, 3, 5]) }),
    ({ p, x }) => model.apply(p, x),
  ),
  multiHead: tree(
    (backend) => ({
      p: layer.initialize(backend, random(1)),
      x: of(backend, [1, 3, 4]),
      context: of(backend, [1, 2, 4]),
    }),
    ({ p, x, context }) => layer.apply(p, x, { context }),
  ),
  singleLayer: tree(
    (backend) => ({ p: single.initialize(backend, random(1)), x: of(backend, [2, 3, 3]) }),
    ({ p, x }) => single.apply(p, x),
  ),
  split: tree(
    (backend) => model.initialize(backend, random(1)),
    (p) => {
      const { trained, frozen } = splitParameters(p, () => true);
      valueAndGrad(
        (moving) => ops.sum(model.apply(mergeParameters(moving, frozen), indices([0, 1, 2], [1, 3]))),
        trained,
      );
    },
  ),
  "physics.maskedLoss": tree(
    (backend) => predictor.initialize(backend, random(1)),
    (p) => physics.maskedLoss(predictor, p, indices([0, 1, 0], [1, 3])),
  ),
};

export const all: Readonly<Record<string, Call>> = {
  ...Object.fromEntries(Object.entries(operations).map(([name, one]) => [`ops.${name}`, one])),
  ...others,
};

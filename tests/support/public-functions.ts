import { layouts } from "./model-names.js";
import { onnx } from "./onnx-files.js";
import { checkpoint, dictionary } from "./pickle-files.js";
import * as library from "../../src/standalone.js";
import { example, type Example } from "./example.js";
import { analysisExamples } from "./analysis-functions.js";
import { modelExamples } from "./model-functions.js";
import { physicsExamples } from "./physics-functions.js";

const { cpu, indices, kernels, ops, random, softmax } = library;

/** A method of a public function's result. */
const method = (call: (...given: never[]) => unknown, given: Example["given"], options?: number): Example => ({
  call,
  given,
  options,
});

const x = cpu.tensor([1, 2, 3, 4], [2, 2]);
const one = cpu.full(1, [1]);
const q = cpu.tensor([0.3, -0.2, 0.5, 0.1], [1, 1, 2, 2]);
const inputs = { q, k: q, v: q };
const mask = library.causal();
const unary = example(() => [x]);
const binary = example(() => [x, x]);
const factory = example(() => [{}], 0);

const tiny = { kernel: softmax(), vocabulary: 3, classes: 2, tokens: 2, width: 4, hidden: 4, heads: 1, layers: 1 };
const encoder = library.encoder(tiny);
const encoderParameters = encoder.initialize(cpu, random(1));
const writing = { kernel: softmax(), vocabulary: 3, tokens: 4, width: 4, hidden: 4, heads: 1, layers: 1 };
const decoder = library.decoder(writing);
const decoderParameters = decoder.initialize(cpu, random(1));
const multiHead = library.multiHead({ kernel: softmax(), width: 4, heads: 2 });
const tokens = cpu.full(0.5, [1, 2, 4]);
const singleLayer = library.singleLayer({ kernel: softmax(), heads: 1, width: 2, outputWidth: 1 });
const cache = (): unknown => library.keyValueCache(cpu, softmax(), { batch: 1, kvHeads: 1, capacity: 4, dim: 2 });

const eye = [
  [1, 0],
  [0, 1],
];
const problem = {
  inputs: [eye],
  targets: [[[1], [2]]],
  weights: { query: [eye], key: [eye], value: [eye], output: [[[1], [1]]] },
};
const cube = cpu.full(1, [1, 2, 2]);
const square = cpu.tensor([1, 0, 0, 1], [2, 2]);
const projections = { query: square, key: square, value: square, output: square };
const judged = { kernel: softmax(), trainable: ["value"] };
const initialization = { heads: 1, mirrored: false, scales: { query: 1, key: 1, value: 1, output: 1 } };

/** An .npy file of one number. */
const numpyArray = Buffer.from(
  "\x93NUMPY\x01\0\x3c\0{'descr':'|u1','fortran_order':False,'shape':(1,)}".padEnd(70) + "!",
  "latin1",
);
const bytes = library.encodeSafetensors({ "layers.0.attention.query": { shape: [1], data: [1] } });
const stored = { shape: [2, 2], dtype: "F32", begin: 0, end: 16 } as const;
const layers = new Map(Object.values(layouts.bert(0)).map((name) => [`bert.${name}`, stored]));
const weights = { tensors: layers, metadata: {}, read: async () => new Float32Array([1, 0, 0, 1]) };
const bert = { vocabulary: 5, tokens: 2, positions: 2, segments: 1, width: 4, hidden: 4, layers: 1, heads: 2 };

const definition = {
  name: "own",
  score: ({ product }: { product: number }) => product,
  partials: () => undefined,
  wgsl: "fn score(pair: Pair) -> f32 { return pair.product; }",
};

/** Every public function by its name in src/index.ts; those of ops, physics and kernels have these as prefixes. */
export const examples: Readonly<Record<string, Example>> = {
  adam: example(() => [{ learningRate: 0.1, beta1: 0.9 }], 0),
  alibi: example(() => [one, 2, 2]),
  and: example(() => [mask, mask]),
  attention: example(() => [softmax(), inputs, { mask, softcap: 3 }], 2),
  attentionMap: example(() => [softmax(), inputs, { mask, softcap: 3 }], 2),
  attentionWithStatistic: example(() => [softmax(), inputs, { mask, softcap: 3 }], 2),
  booleanMask: example(() => [
    [1, 0, 1, 1],
    [1, 1, 2, 2],
  ]),
  causal: example(() => [{ align: "bottom-right", offset: 1 }], 0),
  certifyPath: example(
    () => [
      problem,
      {
        ...judged,
        stepSize: 0.1,
        steps: 2,
        tolerance: 0,
        stopWhenCertified: true,
        follow: () => Promise.resolve(),
      },
    ],
    1,
  ),
  certifyWeights: example(() => [problem, { ...judged, stepSize: 0.1 }], 1),
  checkConvergence: example(() => [problem, { ...judged, stepSize: 0.1 }], 1),
  convergenceProbability: example(() => [problem, initialization, { ...judged, draws: 1, seed: 1 }], 2),
  countBertParameters: example(() => [softmax(), bert], 1),
  countHeads: example(() => [library.findAttention(weights), 2, {}]),
  decode: example(() => [cache(), { q, k: q, v: q }, { window: 2, softcap: 3 }], 2),
  defineKernel: example(() => [definition], 0),
  ellipticalMetric: example(() => [q, ops.add(q, 1), { causal: true, estimator: "mean" }], 2),
  encodeSafetensors: example(() => [{ a: { shape: [1], data: [1] } }, {}]),
  adamw: example(
    () => [{ learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, decays: () => true }],
    0,
  ),
  clipGradients: example(() => [{ x }, 1]),
  constantSchedule: example(() => [{ start: 1, warmup: 1 }], 0),
  cosineSchedule: example(() => [{ start: 1, end: 0, steps: 2, warmup: 0 }], 0),
  linearSchedule: example(() => [{ start: 1, end: 0, steps: 2, warmup: 0 }], 0),
  documents: example(() => [[0, 0, 1], { keys: [0, 1] }], 1),
  maskOf: example(() => [() => true, { batch: true, heads: true }], 1),
  cloneTree: example(() => [{ x }]),
  countParameters: example(() => [{ x }]),
  decoder: example(() => [writing], 0),
  disposeTree: example(() => [{ x: cpu.full(1, [1]) }]),
  encoder: example(() => [tiny], 0),
  findAttention: example(() => [weights, { prefix: "bert." }], 1),
  gradcheck: example(
    () => [(p: { x: typeof x }) => ops.sum(p.x), { x }, { directions: 1, tolerance: 1e-7, step: 1e-3, seed: 1 }],
    2,
  ),
  gradcheckKernel: example(() => [softmax(), { dim: 2, pairs: 2, seed: 1 }], 1),
  gradientDescent: example(() => [{ stepSize: 0.1 }], 0),
  indices: example(() => [[0, 1], [2]]),
  kernelFeatures: example(() => [softmax()]),
  keyValueCache: example(() => [cpu, softmax(), { batch: 1, kvHeads: 1, capacity: 4, dim: 2, valueDim: 2 }], 2),
  lengths: example(() => [{ queries: [1], keys: [2] }], 0),
  mergeParameters: example(() => [{ x }, { x }]),
  openNumpy: example(() => [numpyArray]),
  openOnnx: example(() => [onnx([])]),
  openPyTorch: example(() => [checkpoint(dictionary({}))]),
  openSafetensors: example(() => [bytes]),
  openShardedSafetensors: example(() => [
    '{"weight_map":{"layers.0.attention.query":"a.safetensors"}}',
    async () => bytes,
    "index",
  ]),
  openWeights: example(() => [bytes, { shard: async () => bytes }], 1),
  or: example(() => [mask, mask]),
  random: example(() => [1]),
  readProjection: example(() => [weights, library.findAttention(weights), 0, "query", { heads: 1 }], 4),
  relativeBias: example(() => [x]),
  requestGpu: example(() => [{ powerPreference: "low-power", dawn: [], subgroups: true, subgroupMatrices: false }], 0),
  sgd: example(() => [{ learningRate: 0.1, momentum: 0.9 }], 0),
  singleLayer: example(
    () => [{ kernel: softmax(), heads: 1, width: 2, keyWidth: 2, valueWidth: 2, outputWidth: 1 }],
    0,
  ),
  slidingWindow: example(() => [1, { offset: 1 }], 1),
  loadStateDict: example(() => [{ one: cpu.full(1, [1]) }, { one: { shape: [1], data: [1] } }, { strict: true }], 2),
  mapTree: example(() => [{ x }, (tensor: unknown) => tensor]),
  stateDict: example(() => [{ x }]),
  trainStep: example(
    () => [
      library.gradientDescent({ stepSize: 0.1 }),
      { w: cpu.full(1, [1]) },
      ({ w }: { w: library.Tensor }) => ops.square(w),
      { clip: 1 },
    ],
    3,
  ),
  lossCurve: example(() => [problem, { ...judged, stepSize: 0.1 }], 1),
  pathProbability: example(
    () => [problem, initialization, { ...judged, steps: 1, tolerance: 0, stepShare: 0.5, seed: 1, draws: 1 }],
    2,
  ),
  reachableLoss: example(() => [problem, { ...judged, steps: 5, stepSize: 0.1 }], 1),
  readProblem: example(() => [{ inputs: cube, targets: cube, parameters: projections, heads: 1 }], 0),
  splitParameters: example(() => [{ x }, () => true]),
  suggestInitialization: example(() => [problem, { ...judged, draws: 2, seed: 1 }], 1),
  valueAndGrad: example(() => [(p: { x: typeof x }) => ops.sum(p.x), { x }]),
  wrapDevice: example(() => [{}]),

  cosine: example(() => [{ temperature: 1 }], 0),
  decoupled: example(() => [{ scale: 1 }], 0),
  differential: example(() => [{ depth: 1, normalize: false }], 0),
  elliptical: example(() => [{ scale: 1, causal: true, estimator: "mean" }], 0),
  factored: example(() => [{ periodic: [2] }], 0),
  gaussian: example(() => [{ gamma: 1, normalize: true }], 0),
  laplacian: example(() => [{ temperature: 1 }], 0),
  linear: factory,
  mahalanobis: example(() => [{ gamma: 1, normalize: true }], 0),
  pairwise: example(() => [{ scale: 1 }], 0),
  polynomial: example(() => [{ degree: 2, offset: 1, scale: 1 }], 0),
  relativePosition: example(() => [{ scale: 1, periodic: [2] }], 0),
  relu: example(() => [{ scale: 1 }], 0),
  sigmoid: example(() => [{ bias: 0, scale: 1 }], 0),
  spatial: example(() => [{ periodic: [2] }], 0),
  softmax: example(() => [{ scale: 1 }], 0),
  symmetric: example(() => [{ scale: 1 }], 0),
  ...Object.fromEntries(Object.keys(kernels).map((name) => [`kernels.${name}`, factory])),

  "cpu.tensor": example(() => [[1, 2], [2], { dtype: "f64" }], 2),
  "cpu.full": example(() => [1, [2], { dtype: "f64" }], 2),
  "cpu.scope": example(() => [() => undefined]),
  "cpu.keep": example(() => [x]),
  "cpu.toString": example(() => []),
  "decoder.initialize": method(decoder.initialize.bind(decoder), () => [cpu, random(1)]),
  "decoder.apply": method(
    decoder.apply.bind(decoder),
    () => [decoderParameters, indices([0, 1], [1, 2]), { mask, observe: () => undefined, random: random(1) }],
    2,
  ),
  "decoder.generate": method(
    decoder.generate.bind(decoder),
    () => [decoderParameters, [0, 1], { count: 1, temperature: 1, topK: 2, random: random(1) }],
    2,
  ),
  "encoder.initialize": method(encoder.initialize.bind(encoder), () => [cpu, random(1)]),
  "encoder.apply": method(
    encoder.apply.bind(encoder),
    () => [encoderParameters, indices([0, 1], [1, 2]), { mask, observe: () => undefined }],
    2,
  ),
  "encoder.tokenLogits": method(
    encoder.tokenLogits.bind(encoder),
    () => [encoderParameters, indices([0, 1], [1, 2]), indices([0]), { mask }],
    3,
  ),
  "multiHead.initialize": method(multiHead.initialize.bind(multiHead), () => [cpu, random(1)]),
  "multiHead.apply": method(
    multiHead.apply.bind(multiHead),
    () => [
      multiHead.initialize(cpu, random(1)),
      tokens,
      { mask, context: tokens, inputs: {}, observe: () => undefined },
    ],
    2,
  ),
  "singleLayer.initialize": method(
    singleLayer.initialize.bind(singleLayer),
    () => [cpu, random(1), { query: 1, key: 1, value: 1, output: 1 }],
    2,
  ),
  "singleLayer.apply": method(singleLayer.apply.bind(singleLayer), () => [
    singleLayer.initialize(cpu, random(1)),
    cpu.full(1, [1, 2, 2]),
  ]),

  "ops.abs": unary,
  "ops.cos": unary,
  "ops.eluPlusOne": unary,
  "ops.exp": unary,
  "ops.gelu": unary,
  "ops.log": unary,
  "ops.relu": unary,
  "ops.sigmoid": unary,
  "ops.sign": unary,
  "ops.sin": unary,
  "ops.softmax": unary,
  "ops.sqrt": unary,
  "ops.square": unary,
  "ops.stopGradient": unary,
  "ops.tanh": unary,
  "ops.add": binary,
  "ops.atan2": binary,
  "ops.divide": binary,
  "ops.equal": binary,
  "ops.meanSquaredError": binary,
  "ops.multiply": binary,
  "ops.subtract": binary,
  "ops.addScaled": example(() => [x, x, 2]),
  "ops.cast": example(() => [x, "f32"]),
  "ops.concat": example(() => [[x, x], 0]),
  "ops.crossEntropy": example(() => [x, indices([0, 1])]),
  "ops.embedding": example(() => [x, indices([0, 1])]),
  "ops.expand": example(() => [x, [2, 2, 2]]),
  "ops.layerNorm": example(() => [x, { scale: one, shift: one, epsilon: 1e-5 }], 1),
  "ops.matmul": example(() => [x, x, { transposeA: true, transposeB: false }], 2),
  "ops.max": example(() => [x, 0, { keepAxes: true }], 2),
  "ops.mean": example(() => [x, 0, { keepAxes: true }], 2),
  "ops.permute": example(() => [x, [1, 0]]),
  "ops.power": example(() => [x, 2]),
  "ops.reshape": example(() => [x, [4]]),
  "ops.dropout": example(() => [x, { rate: 0.5, seed: 1 }], 1),
  "ops.slice": example(() => [x, 0, 0, 1]),
  "ops.sum": example(() => [x, 0, { keepAxes: true }], 2),

  ...analysisExamples,
  ...modelExamples,
  ...physicsExamples,
};

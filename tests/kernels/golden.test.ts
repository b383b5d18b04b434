import { describe, expect, it } from "vitest";
import {
  attention,
  cosine,
  cpu,
  elliptical,
  factored,
  gaussian,
  linear,
  mahalanobis,
  pairwise,
  relu,
  sigmoid,
  spatial,
  softmax,
  symmetric,
  type AttentionInputs,
  type AttentionKernel,
  type Backend,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { expectAsExactAsFloat32 } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";
import { unfusedAttention } from "../support/unfused.js";

/** Output column 0 in float64; column 1 is its negative. Derived for this project and checked numerically. */
const golden: readonly (readonly [string, string, TiledKernel, readonly [number, number, number]])[] = [
  ["softmax", "softmax", softmax(), [0.779507602223, 0.817414928046, 1.027520493594]],
  ["gaussian", "γ = 1/√d", gaussian(), [1.111036293993, 1.530639262596, 2.588472742166]],
  ["gaussian", "γ = 2/√d", gaussian({ gamma: Math.SQRT2 }), [0.549287073615, 0.95315478656, 2.249331924202]],
  [
    "gaussianNormalized",
    "gaussian, row-normalised",
    gaussian({ normalize: true }),
    [0.78967645034, 0.826797482671, 1.02829608213],
  ],
  ["sigmoid", "sigmoid, b = -ln 3", sigmoid(), [0.648591459614, 0.731224609339, 0.85557919625]],
  ["relu", "relu/n", relu(), [0.114719744264, 0.158948641042, 0.179000931149]],
  ["cosine", "cosine, τ = 0.1", cosine(), [0.500138183549, 0.500536207581, 1.203312176896]],
];

interface Inputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly [name: string]: Tensor;
}
type Make = (data: readonly number[], shape: readonly number[]) => Tensor;

/** n = 3, d = 2: Q = sin(1 + i + c/2), K = cos(.3 + .7i + 1.1c), V = (i + 1)(-1)^c / 2. */
function inputs(backend: Backend): Inputs {
  const matrix = (element: (i: number, c: number) => number): Tensor =>
    backend.tensor(
      Float64Array.from({ length: 6 }, (_, index) => element(Math.floor(index / 2), index % 2)),
      [1, 1, 3, 2],
    );
  return {
    q: matrix((i, c) => Math.sin(1 + i + 0.5 * c)),
    k: matrix((i, c) => Math.cos(0.3 + 0.7 * i + 1.1 * c)),
    v: matrix((i, c) => ((i + 1) * (-1) ** c) / 2),
  };
}

/** The same for kernels that take tensors of their own, or are compositions. */
const withInputs: readonly (readonly [
  string,
  AttentionKernel,
  (qkv: Inputs, tensor: Make) => AttentionInputs,
  readonly [number, number, number],
])[] = [
  [
    "elliptical, M = diag(1, .25)",
    elliptical(),
    (qkv, tensor) => ({ ...qkv, metric: tensor([1, 0.25], [1, 1, 2]) }),
    [0.866144439545, 0.870752309245, 0.993507575556],
  ],
  [
    "mahalanobis, the same M, row-normalised",
    mahalanobis({ normalize: true }),
    (qkv, tensor) => ({ ...qkv, metric: tensor([1, 0, 0, 0.5], [1, 2, 2]) }),
    [0.905780840479, 0.910292068703, 1.032432792533],
  ],
  ["symmetric, K = Q", symmetric(), (qkv) => ({ ...qkv, k: qkv.q }), [0.817367754577, 0.857368098108, 1.04434712581]],
  [
    "pairwise, P = [[1, 2], [-.5, .3]], K = Q",
    pairwise(),
    (qkv, tensor) => ({ ...qkv, k: qkv.q, coupling: tensor([1, 2, -0.5, 0.3], [1, 2, 2]) }),
    [0.744681134307, 0.737619358833, 0.948320174886],
  ],
  ["linear, elu + 1", linear(), (qkv) => qkv, [0.856983205732, 0.86021279969, 0.863594172384]],
  [
    "factored, α = (.5, -.1, .2 / .2, .5, -.1 / -.1, .2, .5)",
    factored(),
    (qkv, tensor) => ({ ...qkv, positions: tensor([0.5, -0.1, 0.2, 0.2, 0.5, -0.1, -0.1, 0.2, 0.5], [1, 3, 3]) }),
    [0.45, 0.45, 0.9],
  ],
  [
    "factored, periodic, the same α",
    factored({ periodic: [3] }),
    (qkv, tensor) => ({ ...qkv, positions: tensor([0.5, 0.2, -0.1], [1, 3]) }),
    [0.45, 0.45, 0.9],
  ],
  [
    "spatial, γ = .5, α = .3, -.2, .5, .4, -.1 for i - j = -2 ... 2",
    spatial(),
    (qkv, tensor) => ({ ...qkv, positions: tensor([0.3, -0.2, 0.5, 0.4, -0.1], [1, 5]), decay: tensor([0.5], [1]) }),
    [0.149026596072, 0.198524519033, 0.493422461417],
  ],
  [
    "spatial, periodic, γ = .5, α = .5, .2, -.1",
    spatial({ periodic: [3] }),
    (qkv, tensor) => ({ ...qkv, positions: tensor([0.5, 0.2, -0.1], [1, 3]), decay: tensor([0.5], [1]) }),
    [0.167779414282, 0.212227949986, 0.380007364267],
  ],
];

const both = (column: readonly number[]): number[] => column.flatMap((value) => [value, -value]);

describe("golden values on the CPU", () => {
  it.each(golden)("%s: %s", async (_name, _title, kernel, column) => {
    const output = await attention(kernel, inputs(cpu)).read();
    both(column).forEach((value, index) => expect(Math.abs(output[index] - value)).toBeLessThan(1e-11));
  });
});

describe("golden values of kernels with inputs of their own, on the CPU", () => {
  it.each(withInputs)("%s", async (_title, kernel, prepare, column) => {
    const output = await attention(
      kernel,
      prepare(inputs(cpu), (data, shape) => cpu.tensor(data, shape)),
    ).read();
    both(column).forEach((value, index) => expect(Math.abs(output[index] - value)).toBeLessThan(1e-11));
  });
});

describeGpu("golden values on the GPU", (gpu) => {
  it.each(golden)("%s: %s", async (name, _title, kernel, column) => {
    const parameter = kernel.parameters[0];
    const naive = {
      ...inputs(naiveFloat32),
      [parameter.name]: naiveFloat32.tensor([parameter.initial({ batch: 1, heads: 1, queries: 3, keys: 3, dim: 2 })]),
    };
    expectAsExactAsFloat32(
      [{ output: await attention(kernel, inputs(gpu())).read() }],
      [{ output: await unfusedAttention(name, naive).read() }],
      [{ output: both(column) }],
    );
  });
});

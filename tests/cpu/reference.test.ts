import { describe, expect, it } from "vitest";
import {
  and,
  attention,
  attentionWithStatistic,
  booleanMask,
  causal,
  cpu,
  documents,
  indices,
  kernels,
  lengths,
  ops,
  random,
  valueAndGrad,
  type AttentionOptions,
  type Backend,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { reference } from "../../src/cpu/reference.js";

/** More queries than a block has, grouped heads. */
const [batch, heads, kvHeads, n, m, d, dv] = [2, 4, 2, 70, 90, 5, 7];

const options: Readonly<Record<string, (bias: Tensor) => AttentionOptions>> = {
  "no option": () => ({}),
  "causal, lengths, a bias and a softcap": (bias) => ({
    mask: and(causal({ align: "bottom-right" }), lengths({ queries: [70, 33], keys: [0, 65] })),
    bias,
    softcap: 1.5,
  }),
  "documents and hidden pairs": () => ({
    mask: and(
      documents(indices(Array.from({ length: n }, (_, i) => Math.floor(i / 9))), {
        keys: Array.from({ length: m }, (_, j) => Math.floor(j / 11)),
      }),
      booleanMask(
        Array.from({ length: n * m }, (_, at) => at % 5 !== 0),
        [1, 1, n, m],
      ),
    ),
  }),
};

/** Output and gradients of attention on a backend, from the same numbers. */
async function results(backend: Backend, name: string, call: (bias: Tensor) => AttentionOptions): Promise<number[]> {
  const stream = random(7);
  const normal = (...shape: number[]): Tensor =>
    backend.tensor(stream.normals(shape.reduce((size, extent) => size * extent, 1)), shape);
  const kernel = kernels[name]();
  const sizes = { batch, heads, queries: n, keys: m, dim: d };
  const inputs = {
    q: normal(batch, heads, n, d),
    k: normal(batch, kvHeads, m, d),
    v: normal(batch, kvHeads, m, dv),
    ...Object.fromEntries((kernel.inputs ?? []).map((input) => [input.name, normal(...input.shape(sizes))])),
  };
  const chosen = call(normal(batch, heads, n, m));
  const run = (p: typeof inputs): Tensor => attention(kernel, p, chosen);
  const { gradients } = valueAndGrad((p) => ops.sum(ops.square(run(p))), inputs);
  const { statistic } = attentionWithStatistic(kernel as TiledKernel, inputs, chosen);
  const tensors = [run(inputs), statistic, ...Object.values(gradients)];
  return (await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.read())))).flat();
}

const tiled = Object.keys(kernels).filter((name) => "formula" in kernels[name]());

/** Of a norm, q and k get the sum of all pairs at once, so that the last digit may differ. */
const sumsNorms = ["gaussian", "gaussianNormalized", "mahalanobis", "cosine"];

describe.each(Object.keys(options))("attention by blocks with %s", (option) => {
  it.each(tiled)("is that of the plain formulas: %s", async (name) => {
    const [fast, plain] = [await results(cpu, name, options[option]), await results(reference, name, options[option])];
    if (!sumsNorms.includes(name)) {
      expect(fast).toEqual(plain);
      return;
    }
    const largest = Math.max(...plain.filter(Number.isFinite).map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    const differences = fast.map((value, at) => (value === plain[at] ? 0 : Math.abs(value - plain[at])));
    expect(Math.max(...differences)).toBeLessThan(8 * Number.EPSILON * largest);
  });
});

describe("matrix products", () => {
  it.each([
    [[2, 3, 4], [4, 5], {}],
    [[2, 3, 4], [2, 4, 5], {}],
    [[2, 1, 4, 3], [3, 4, 5], { transposeA: true }],
    [[6, 4], [5, 4], { transposeB: true }],
    [[3, 4, 6], [5, 4], { transposeA: true, transposeB: true }],
    [[70, 300], [300, 65], {}],
  ] as const)("of %j and %j are those of ml-matrix", async (left, right, transposes) => {
    const product = async (backend: Backend): Promise<number[]> => {
      const stream = random(3);
      const normal = (shape: readonly number[]): Tensor =>
        backend.tensor(stream.normals(shape.reduce((size, extent) => size * extent, 1)), shape);
      return Array.from(await ops.matmul(normal(left), normal(right), transposes).read());
    };
    expect(await product(cpu)).toEqual(await product(reference));
  });
});

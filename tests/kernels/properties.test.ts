import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attention,
  cpu,
  differential,
  gaussian,
  kernels,
  mahalanobis,
  ops,
  random,
  softmax,
  valueAndGrad,
  type AttentionInputs,
  type AttentionKernel,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { attentionCases, learnedBy, type Extents } from "../support/attention.js";
import { inputsOf, upload } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";

/** Around the edges of a tile. */
const extents: fc.Arbitrary<Extents> = fc.record({
  batch: fc.constantFrom(1, 2),
  heads: fc.constantFrom(1, 2),
  n: fc.constantFrom(1, 31, 32, 33),
  m: fc.constantFrom(1, 31, 32, 33),
  d: fc.constantFrom(2, 6),
  dv: fc.constantFrom(1, 5),
});

/** Inputs of a kernel that keeps the initial values of its parameters. */
function inputsFor(backend: Backend, name: string, sizes: Extents, seed: number): AttentionInputs {
  const { fused } = attentionCases(name, sizes);
  const learned = new Set(learnedBy(kernels[name]()).map((parameter) => parameter.name));
  const shapes = Object.fromEntries(Object.entries(fused.shapes).filter(([input]) => !learned.has(input)));
  return upload(backend, inputsOf({ shapes }, seed), shapes) as unknown as AttentionInputs;
}

const names = Object.keys(kernels);
/** Weights that do not look at positions. */
const placeless = names.filter(
  (name) => !(kernels[name]().inputs ?? []).some((input) => input.forQueries || input.name === "positions"),
);
/** Weights of a row that are positive and sum to 1. */
const averaging = names.filter((name) => {
  const kernel = kernels[name]();
  return (
    name === "linear" || ("normalizer" in kernel && (kernel.normalizer === "softmax" || kernel.normalizer === "sum"))
  );
});
/** Without the norm after it, differential attention is linear in the values like all others, and loses no digits. */
const withoutNorm = (name: string): AttentionKernel =>
  name === "differential" ? differential({ normalize: false }) : kernels[name]();

const like = (x: Tensor, seed: number): Tensor => x.backend.tensor(random(seed).normals(x.size), x.shape);
const inner = (x: Tensor, y: Tensor): Tensor => ops.sum(ops.multiply(x, y));
/** Rows along the axis of tokens, in another order. */
const reordered = (x: Tensor, order: readonly number[]): Tensor =>
  ops.concat(
    order.map((row) => ops.slice(x, 2, row, 1)),
    2,
  );

async function expectEqual(actual: Tensor, wanted: Tensor, tolerance: number): Promise<void> {
  const [numbers, expected] = [await actual.read(), await wanted.read()];
  expect(actual.shape).toEqual(wanted.shape);
  const scale = Array.from(expected).reduce((a, b) => Math.max(a, Math.abs(b)), 1);
  Array.from(expected).forEach((value, index) =>
    expect(Math.abs(numbers[index] - value)).toBeLessThanOrEqual(tolerance * scale),
  );
}

function properties(backend: () => Backend, tolerance: number, numRuns: number): void {
  const forSizes = (check: (sizes: Extents, seed: number) => Promise<void>): Promise<void> =>
    fc.assert(fc.asyncProperty(extents, fc.nat(1000), check), { numRuns, seed: 3 });

  it.each(averaging)("%s: rows of weights sum to 1, and outputs lie in the hull of the values", (name) =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), name, sizes, seed);
      const sums = attention(kernels[name](), { ...inputs, v: backend().full(1, inputs.v.shape) });
      await expectEqual(sums, backend().full(1, sums.shape), tolerance);
      const [values, output] = [Array.from(await inputs.v.read()), await attention(kernels[name](), inputs).read()];
      const [low, high] = [Math.min(...values), Math.max(...values)];
      for (const value of output) expect(value).toBeGreaterThanOrEqual(low - tolerance * Math.abs(low));
      for (const value of output) expect(value).toBeLessThanOrEqual(high + tolerance * Math.abs(high));
    }),
  );

  it.each(placeless)("%s: the order of keys does not matter, that of queries is that of the outputs", (name) =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), name, sizes, seed);
      const plain = attention(withoutNorm(name), inputs);
      const order = (count: number): number[] =>
        random(seed).shuffle(Array.from({ length: count }, (_, index) => index));
      const keys = order(sizes.m);
      await expectEqual(
        attention(withoutNorm(name), { ...inputs, k: reordered(inputs.k, keys), v: reordered(inputs.v, keys) }),
        plain,
        tolerance,
      );
      const queries = order(sizes.n);
      await expectEqual(
        attention(withoutNorm(name), { ...inputs, q: reordered(inputs.q, queries) }),
        reordered(plain, queries),
        tolerance,
      );
    }),
  );

  it.each(names)("%s: linear in the values, and the gradient by them is the transpose", (name) =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), name, sizes, seed);
      const by = (v: Tensor): Tensor => attention(withoutNorm(name), { ...inputs, v });
      const x = like(inputs.v, seed + 1);
      await expectEqual(by(ops.addScaled(inputs.v, x, -1.5)), ops.addScaled(by(inputs.v), by(x), -1.5), 2 * tolerance);
      const y = like(by(x), seed + 2);
      const { gradients } = valueAndGrad(({ v }: { v: Tensor }) => inner(by(v), y), { v: inputs.v });
      const [left] = await inner(by(x), y).read();
      const [right] = await inner(x, gradients.v).read();
      const size = Math.sqrt((await inner(by(x), by(x)).read())[0] * (await inner(y, y).read())[0]);
      expect(Math.abs(left - right)).toBeLessThanOrEqual(tolerance * size);
    }),
  );

  it("softmax: adding one vector to all keys changes nothing", () =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), "softmax", sizes, seed);
      const shift = like(backend().full(0, [sizes.d]), seed);
      await expectEqual(
        attention(softmax(), { ...inputs, k: ops.add(inputs.k, shift) }),
        attention(softmax(), inputs),
        4 * tolerance,
      );
    }));

  it("gaussian: queries and keys may be moved and turned together", () =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), "gaussian", sizes, seed);
      const plain = attention(gaussian(), inputs);
      const shift = like(backend().full(0, [sizes.d]), seed);
      const moved = { ...inputs, q: ops.add(inputs.q, shift), k: ops.add(inputs.k, shift) };
      await expectEqual(attention(gaussian(), moved), plain, 4 * tolerance);
      // A turn in the plane of the first two components.
      const [cos, sin] = [Math.cos(seed), Math.sin(seed)];
      const turn = Array.from({ length: sizes.d ** 2 }, (_, index): number => (index % (sizes.d + 1) === 0 ? 1 : 0));
      [turn[0], turn[1], turn[sizes.d], turn[sizes.d + 1]] = [cos, sin, -sin, cos];
      const rotation = backend().tensor(turn, [sizes.d, sizes.d]);
      await expectEqual(
        attention(gaussian(), { ...inputs, q: ops.matmul(inputs.q, rotation), k: ops.matmul(inputs.k, rotation) }),
        plain,
        4 * tolerance,
      );
    }));

  it("mahalanobis with the identity is the gaussian", () =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), "gaussian", sizes, seed);
      const identity = Array.from({ length: sizes.heads * sizes.d ** 2 }, (_, index) =>
        (index % sizes.d ** 2) % (sizes.d + 1) === 0 ? 1 : 0,
      );
      const metric = backend().tensor(identity, [sizes.heads, sizes.d, sizes.d]);
      await expectEqual(attention(mahalanobis(), { ...inputs, metric }), attention(gaussian(), inputs), tolerance);
    }));

  it("a row-normalised gaussian is softmax(γ(q·k - ½‖k‖²)), a softmax with a bias of its keys", () =>
    forSizes(async (sizes, seed) => {
      const inputs = inputsFor(backend(), "gaussian", sizes, seed);
      const { batch, heads, n, m } = sizes;
      const gamma = 0.7;
      const norms = ops.multiply(ops.sum(ops.square(inputs.k), -1), -gamma / 2);
      const bias = ops.expand(ops.reshape(norms, [batch, heads, 1, m]), [batch, heads, n, m]);
      await expectEqual(
        attention(gaussian({ gamma, normalize: true }), inputs),
        attention(softmax({ scale: gamma }), inputs, { bias }),
        4 * tolerance,
      );
    }));
}

describe("properties on the CPU", () => properties(() => cpu, 1e-12, 8));
describeGpu("properties on the GPU", (gpu) => properties(gpu, 2 ** -18, 4));

/**
 * Finite everywhere, and what the CPU has within `tolerance` of the largest number and the rounding of terms that
 * cancel.
 */
async function expectSane(
  backend: Backend,
  kernel: AttentionKernel,
  data: Readonly<Record<string, ArrayLike<number>>>,
  shapes: Record<string, readonly number[]>,
  tolerance: number,
): Promise<Record<string, ArrayLike<number>>> {
  const run = async (on: Backend): Promise<Record<string, ArrayLike<number>>> => {
    const inputs = upload(on, data, shapes) as unknown as AttentionInputs;
    const weights = on.tensor(random(4).normals(inputs.q.size), inputs.q.shape);
    const { value, gradients } = valueAndGrad((p) => inner(attention(kernel, p), weights), inputs);
    const numbers: Record<string, ArrayLike<number>> = {
      value: await value.read(),
      output: await attention(kernel, inputs).read(),
    };
    for (const [name, gradient] of Object.entries(gradients)) numbers[name] = await gradient.read();
    return numbers;
  };
  const [actual, exact] = [await run(backend), await run(cpu)];
  const largest = Math.max(...Object.values(data).flatMap((numbers) => Array.from(numbers, Math.abs)));
  for (const [name, values] of Object.entries(exact)) {
    const scale = Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    Array.from(values).forEach((value, index) =>
      expect(Math.abs(actual[name][index] - value), `${name}[${index}]`).toBeLessThanOrEqual(
        tolerance * scale + 2 ** -20 * largest,
      ),
    );
  }
  return actual;
}

function extremes(backend: () => Backend): void {
  const qkv = (n: number, m: number, d: number): Record<"q" | "k" | "v", readonly number[]> => ({
    q: [1, 2, n, d],
    k: [1, 2, m, d],
    v: [1, 2, m, d],
  });

  it.each(names.filter((name) => learnedBy(kernels[name]()).length > 0))(
    "%s: scores of ±1e4 stay finite, with the right weights",
    async (name) => {
      const sizes = { batch: 1, heads: 2, n: 20, m: 40, d: 4, dv: 4 };
      const { fused } = attentionCases(name, sizes);
      const learned = new Set(learnedBy(kernels[name]()).map((parameter) => parameter.name));
      const shapes = Object.fromEntries(Object.entries(fused.shapes).filter(([input]) => !learned.has(input)));
      // Whole numbers: their products are exact in float32, so scores agree to the last digits even at ±1e4.
      const whole = Object.entries(inputsOf({ shapes })).map(([input, numbers]) => [
        input,
        numbers.map((x) => Math.round(["q", "k"].includes(input) ? 70 * x : x)),
      ]);
      const data = Object.fromEntries(whole) as Record<string, Float32Array>;
      const products = Math.max(...data["q"].map(Math.abs)) * Math.max(...data["k"].map(Math.abs));
      expect(products).toBeGreaterThan(1e4);
      await expectSane(backend(), kernels[name](), data, shapes, 2e-3);
    },
  );

  it("gaussian: points far apart give zeros, and zero gradients", async () => {
    const shapes = qkv(5, 40, 3);
    const data = inputsOf({ shapes });
    const far = { ...data, k: data["k"].map((x) => x + 100) };
    for (const [name, values] of Object.entries(await expectSane(backend(), gaussian(), far, shapes, 0))) {
      if (name !== "v")
        expect(
          Array.from(values).every((x) => Math.abs(x) < 1e-300),
          name,
        ).toBe(true);
    }
    // Row-normalised, the nearest of far points still has weight.
    await expectSane(backend(), gaussian({ normalize: true }), far, shapes, 2e-2);
  });

  it.each([1e-30, 1e-3, 1e3, 1e30])("gaussian: gamma = %s", async (gamma) => {
    const shapes = qkv(6, 37, 3);
    await expectSane(backend(), gaussian({ gamma }), inputsOf({ shapes }), shapes, 1e-4);
  });

  it.each(["softmax", "gaussian", "laplacian"])(
    "%s: heads of width 256",
    async (name) => {
      const shapes = qkv(9, 35, 256);
      const data = Object.fromEntries(
        Object.entries(inputsOf({ shapes })).map(([input, numbers]) => [input, numbers.map((x) => x / 4)]),
      );
      await expectSane(backend(), kernels[name](), data, shapes, 1e-5);
    },
    240_000,
  );
}

describe("extremes on the CPU", () => extremes(() => cpu));
describeGpu("extremes on the GPU", extremes);

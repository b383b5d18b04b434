import { describe, expect, it } from "vitest";
import {
  attention,
  attentionWithStatistic,
  booleanMask,
  causal,
  cpu,
  gaussian,
  kernels,
  lengths,
  linear,
  mahalanobis,
  ops,
  random,
  valueAndGrad,
  type AttentionInputs,
  type AttentionKernel,
  type Backend,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { roundToHalf } from "../../src/core/half.js";
import { adapterHas, describeGpu } from "../support/gpu.js";

const f = Math.fround;
const hasHalf = await adapterHas((gpu) => gpu.dtypes.includes("f16"));

/** Weights of a Gaussian by differences, every step rounded to float32. */
function naiveGaussian(
  q: Float32Array,
  k: Float32Array,
  v: Float32Array,
  [n, m, d, dv]: readonly number[],
  gamma: number,
): Float64Array {
  const out = new Float64Array(n * dv);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) {
      let distance = 0;
      for (let c = 0; c < d; c++) distance = f(distance + f(f(q[i * d + c] - k[j * d + c]) ** 2));
      const weight = f(Math.exp(f(f(-0.5 * gamma) * distance)));
      for (let c = 0; c < dv; c++) out[i * dv + c] = f(out[i * dv + c] + f(weight * v[j * dv + c]));
    }
  }
  return out;
}

const rms = (values: ArrayLike<number>, exact: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value, index) => sum + (value - exact[index]) ** 2, 0) / values.length);

const FLOOR = 8 * 2 ** -24;

describeGpu("far from the origin", (gpu) => {
  const one = (backend: Backend, x: number): Tensor => backend.tensor([x], [1, 1, 1, 1]);

  it.each([gaussian({ gamma: 1e-4 }), mahalanobis({ gamma: 1e-4 })])(
    "one pair at 512695 and 512804: $name",
    async (kernel) => {
      const at = (backend: Backend): AttentionInputs => ({
        q: one(backend, 512695),
        k: one(backend, 512804),
        v: one(backend, 1),
        ...(kernel.inputs === undefined ? {} : { metric: backend.tensor([1], [1, 1, 1]) }),
      });
      const [exact] = await attention(kernel, at(cpu)).read();
      const [value] = await attention(kernel, at(gpu())).read();
      expect(exact).toBeCloseTo(0.552, 3);
      expect(Math.abs(value - exact)).toBeLessThan(1e-6);
    },
  );

  it.each([0, 100, 500, 5000])("gaussian at an offset of %d is as exact as differences in float32", async (offset) => {
    const sizes = [40, 50, 64, 8] as const;
    const [n, m, d, dv] = sizes;
    const generator = random(5);
    const draw = (count: number, base: number): Float32Array =>
      Float32Array.from(generator.normals(count), (x) => f(x + base));
    const [q, k, v] = [draw(n * d, offset), draw(m * d, offset), draw(m * dv, 0)];
    const on = (backend: Backend): AttentionInputs => ({
      q: backend.tensor(q, [1, 1, n, d]),
      k: backend.tensor(k, [1, 1, m, d]),
      v: backend.tensor(v, [1, 1, m, dv]),
    });
    const gamma = 1 / Math.sqrt(d);
    const exact = await attention(gaussian(), on(cpu)).read();
    const scale = rms(exact, new Float64Array(exact.length));
    expect(rms(await attention(gaussian(), on(gpu())).read(), exact)).toBeLessThanOrEqual(
      2 * rms(naiveGaussian(q, k, v, sizes, gamma), exact) + FLOOR * scale,
    );
    // Gradients: as at the origin, where every term is small.
    const gradients = async (backend: Backend, kernel: AttentionKernel): Promise<Float64Array[]> => {
      const { q: a, k: b, v: c } = on(backend);
      const { gradients: g } = valueAndGrad(
        (x: { q: Tensor; k: Tensor; v: Tensor }) => ops.sum(ops.square(attention(kernel, x))),
        { q: a, k: b, v: c },
      );
      return Promise.all([g.q, g.k, g.v].map(async (x) => Float64Array.from(await x.read())));
    };
    const [wanted, got] = [await gradients(cpu, gaussian()), await gradients(gpu(), gaussian())];
    wanted.forEach((values, index) =>
      expect(rms(got[index], values)).toBeLessThan(4e-6 * rms(values, new Float64Array(values.length))),
    );
  });

  // Far off, moved queries and keys are float16 numbers still; about the origin they would not be, and are left.
  it.runIf(hasHalf).each([0, 2, 100, 2000])(
    "float16: gaussian at an offset of %d keeps what float16 holds",
    async (offset) => {
      const sizes = [40, 50, 8, 8] as const;
      const [n, m, d, dv] = sizes;
      const generator = random(5);
      const draw = (count: number, base: number): Float32Array =>
        Float32Array.from(generator.normals(count), (x) => roundToHalf(x + base));
      const [q, k, v] = [draw(n * d, offset), draw(m * d, -offset / 20), draw(m * dv, 0)];
      if (offset >= 100) k.forEach((x, index) => (k[index] = roundToHalf(x + offset * 1.05)));
      const run = (backend: Backend): Tensor => {
        const half = (x: Float32Array, shape: readonly number[]): Tensor => ops.cast(backend.tensor(x, shape), "f16");
        return ops.cast(
          attention(gaussian({ normalize: true }), {
            q: half(q, [1, 1, n, d]),
            k: half(k, [1, 1, m, d]),
            v: half(v, [1, 1, m, dv]),
          }),
          "f32",
        );
      };
      const exact = await run(cpu).read();
      expect(rms(await run(gpu()).read(), exact)).toBeLessThan(2 ** -11 * rms(exact, new Float64Array(exact.length)));
    },
  );

  it("mahalanobis with grouped heads, far keys that lengths hide, and one that is NaN", async () => {
    const kernel = mahalanobis({ normalize: true });
    const generator = random(6);
    const [n, m, d] = [20, 30, 6];
    const q = Float32Array.from(generator.normals(4 * n * d), (x) => f(x + 300));
    const k = Float32Array.from(generator.normals(2 * m * d), (x, index) =>
      Math.floor(index / d) % m >= 25 ? 1e30 : f(x + 300),
    );
    const v = Float32Array.from(generator.normals(2 * m * 3));
    const metric = Float32Array.from(generator.normals(4 * d * d, 0.5));
    const run = (backend: Backend): Tensor =>
      attention(
        kernel,
        {
          q: backend.tensor(q, [1, 4, n, d]),
          k: backend.tensor(k, [1, 2, m, d]),
          v: backend.tensor(v, [1, 2, m, 3]),
          metric: backend.tensor(metric, [4, d, d]),
        },
        { mask: lengths({ keys: [25] }) },
      );
    const [exact, got] = [await run(cpu).read(), await run(gpu()).read()];
    expect(rms(got, exact)).toBeLessThan(3e-6 * rms(exact, new Float64Array(exact.length)));
  });
});

const tiled = Object.keys(kernels).filter((name) => "formula" in kernels[name]());

/** What rows that see no key, or far too little of it, give. */
function holdEmptyRows(backend: () => Backend): void {
  it.each(tiled)("%s: the statistic of a row that sees no key", async (name) => {
    const kernel = kernels[name]() as TiledKernel;
    const extra = Object.fromEntries(
      (kernel.inputs ?? []).map((input) => [
        input.name,
        backend().full(0.1, input.shape({ batch: 1, heads: 1, queries: 3, keys: 4, dim: 2 })),
      ]),
    );
    const inputs = {
      q: backend().full(0.5, [1, 1, 3, 2]),
      k: backend().full(0.3, [1, 1, 4, 2]),
      v: backend().full(1, [1, 1, 4, 2]),
      ...extra,
    };
    const wanted = { softmax: -Infinity, sum: 0, count: 4, none: 1 }[kernel.normalizer];
    for (const mask of [lengths({ keys: [0] }), booleanMask(new Uint8Array(12), [1, 1, 3, 4])]) {
      const { output, statistic } = attentionWithStatistic(kernel, inputs, { mask });
      expect(Array.from(await statistic.read())).toEqual([wanted, wanted, wanted]);
      expect(Array.from(await output.read())).toEqual(new Array(6).fill(0));
    }
  });

  it("halves of the keys are joined by their log-sum-exps, one of them empty for some rows", async () => {
    const generator = random(9);
    const [n, m, d] = [40, 64, 4];
    const draw = (count: number, shape: readonly number[]): Tensor =>
      backend().tensor(Float32Array.from(generator.normals(count)), shape);
    const [q, k, v] = [draw(n * d, [1, 1, n, d]), draw(m * d, [1, 1, m, d]), draw(m * d, [1, 1, m, d])];
    const half = (first: number): ReturnType<typeof attentionWithStatistic> =>
      attentionWithStatistic(
        kernels["softmax"]() as TiledKernel,
        { q, k: ops.slice(k, 2, first, 32), v: ops.slice(v, 2, first, 32) },
        { mask: causal({ offset: -first }) },
      );
    const [whole, ...halves] = await Promise.all(
      [
        attentionWithStatistic(kernels["softmax"]() as TiledKernel, { q, k, v }, { mask: causal() }),
        half(0),
        half(32),
      ].map(async ({ output, statistic }) => ({ output: await output.read(), statistic: await statistic.read() })),
    );
    for (let i = 0; i < n; i++) {
      const largest = Math.max(...halves.map(({ statistic }) => statistic[i]));
      const total =
        largest + Math.log(halves.reduce((sum, { statistic }) => sum + Math.exp(statistic[i] - largest), 0));
      expect(total).toBeCloseTo(whole.statistic[i], 4);
      for (let c = 0; c < d; c++) {
        const joined = halves.reduce(
          (sum, { output, statistic }) => sum + Math.exp(statistic[i] - total) * output[i * d + c],
          0,
        );
        expect(joined).toBeCloseTo(whole.output[i * d + c], 4);
      }
    }
  });

  // φ underflows in float32 below -103, in float64 below -745.
  it.each([-110, -800])("linear attention where φ vanishes, q = k = %d", async (depth) => {
    const tensor = (values: readonly number[]): Tensor => backend().tensor(values, [1, 1, values.length / 2, 2]);
    const v = backend().tensor([5, 7], [1, 1, 2, 1]);
    const shallow = tensor([0, 1, 1, 0]);
    const q = tensor([depth, depth, depth, depth]);
    const run = async (k: Tensor, mask?: ReturnType<typeof causal>): Promise<number[]> =>
      Array.from(await attention(linear(), { q, k, v }, { mask }).read());
    for (const [value, wanted] of (await run(shallow)).map((value) => [value, 6] as const))
      expect(value).toBeCloseTo(wanted, 5);
    expect((await run(shallow, causal()))[0]).toBeCloseTo(5, 5);
    expect((await run(tensor([depth, depth, depth, depth])))[0]).toBeCloseTo(6, 5);
    const { gradients } = valueAndGrad(
      ({ q: moving }: { q: Tensor }) => ops.sum(ops.square(attention(linear(), { q: moving, k: shallow, v }))),
      { q },
    );
    for (const slope of await gradients.q.read()) expect(Number.isFinite(slope)).toBe(true);
  });
}

describe("empty rows, cpu", () => holdEmptyRows(() => cpu));
describeGpu("empty rows, gpu", (gpu) => holdEmptyRows(gpu));

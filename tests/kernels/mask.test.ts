import { describe, expect, it } from "vitest";
import {
  and, attention, booleanMask, causal, cpu, gradcheck, kernels, lengths, ops, or, random, relativeBias, slidingWindow, UnsupportedError, valueAndGrad,
  type AttentionInputs, type AttentionOptions, type Backend, type Mask, type Tensor, type TiledKernel,
} from "../../src/index.js";
import { compare, emptyPair } from "../../src/cpu/attention.js";
import { attentionCases } from "../support/attention.js";
import { inputsOf, upload } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";

const [batch, heads, n, m, d, dv] = [2, 2, 7, 9, 3, 2];
const sizes = { batch, heads, queries: n, keys: m };
const stream = random(9);
const anywhere = booleanMask(Array.from({ length: batch * n * m }, () => stream.uniform() < 0.5), [batch, 1, n, m]);
const padded = lengths({ queries: [7, 4], keys: [0, 6] });

const masks: Readonly<Record<string, Mask>> = {
  "causal, top-left": causal(),
  "causal, bottom-right": causal({ align: "bottom-right" }),
  "a sliding window": slidingWindow(2),
  "lengths of queries and keys": padded,
  "a truth value for every pair": anywhere,
  "causal and a window and lengths": and(causal(), slidingWindow(3), padded),
  "a window or anywhere": or(slidingWindow(1), anywhere),
  "causal and (a window or anywhere)": and(causal({ align: "bottom-right" }), or(slidingWindow(1), anywhere)),
};

const biasShapes: Readonly<Record<string, readonly number[]>> = {
  "for every pair": [batch, heads, n, m],
  "shared by batch entries": [1, heads, n, m],
  "shared by heads": [batch, 1, n, m],
  "relative": [heads, n + m - 1],
  "relative, shared by heads": [1, n + m - 1],
};

const tiled = Object.entries(kernels).filter((entry): entry is [string, () => TiledKernel] => "formula" in entry[1]() && entry[1]().inputs === undefined);

/** Attention by explicit loops over every pair, in float64. */
function explicit(kernel: TiledKernel, inputs: Readonly<Record<string, ArrayLike<number>>>, mask: Mask, biasAt: (...place: number[]) => number, softcap?: number): number[] {
  const { formula, normalizer, parameters } = kernel;
  const learned = Float64Array.from(parameters, ({ initial }) => initial({ ...sizes, dim: d }));
  const [q, k, v] = [inputs["q"], inputs["k"], inputs["v"]].map((data) => Float64Array.from(data));
  const pair = emptyPair();
  const result: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < n; i++) {
        const weights: number[] = [];
        for (let j = 0; j < m; j++) {
          compare(formula, q, ((b * heads + h) * n + i) * d, k, ((b * heads + h) * m + j) * d, d, pair);
          const plain = formula.score(pair, learned);
          const score = (softcap === undefined ? plain : softcap * Math.tanh(plain / softcap)) + biasAt(b, h, i, j);
          const weight = normalizer === "softmax" ? Math.exp(score) : formula.weight(score);
          weights.push(mask.allows(sizes, b, h, i, j) ? weight : 0);
        }
        const total = { softmax: weights.reduce((x, y) => x + y), sum: weights.reduce((x, y) => x + y), count: m, none: 1 }[normalizer];
        for (let c = 0; c < dv; c++) {
          const sum = weights.reduce((x, weight, j) => x + weight * v[((b * heads + h) * m + j) * dv + c], 0);
          result.push(total === 0 ? 0 : sum / total);
        }
      }
    }
  }
  return result;
}

const shapes = { q: [batch, heads, n, d], k: [batch, heads, m, d], v: [batch, heads, m, dv] };
const data = inputsOf({ shapes }, 21);

function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  const scale = Array.from(wanted).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
  Array.from(wanted).forEach((value, index) => expect(Math.abs(actual[index] - value) / scale).toBeLessThan(tolerance));
}

describe.each(tiled)("masks of %s, against explicit loops", (_name, factory) => {
  const kernel = factory();
  it.each(Object.entries(masks))("%s", async (_title, mask) => {
    const inputs = upload(cpu, data, shapes) as unknown as AttentionInputs;
    expectClose(await attention(kernel, inputs, { mask }).read(), explicit(kernel, data, mask, () => 0), 1e-12);
    const report = await gradcheck((p) => ops.sum(ops.square(attention(kernel, p, { mask }))), inputs, { directions: 1 });
    expect(report.worst).toMatchObject({ passed: true });
  });

  it.each(Object.entries(biasShapes))("a bias %s, with a softcap", async (_title, shape) => {
    const inputs = upload(cpu, data, shapes) as unknown as AttentionInputs;
    const bias = cpu.tensor(random(4).normals(shape.reduce((a, b) => a * b), 0.5), shape);
    const numbers = await bias.read();
    const relative = shape.length === 2;
    const biasAt = (b: number, h: number, i: number, j: number): number =>
      relative
        ? numbers[(shape[0] === 1 ? 0 : h) * (n + m - 1) + i - j + m - 1]
        : numbers[(((shape[0] === 1 ? 0 : b) * shape[1] + (shape[1] === 1 ? 0 : h)) * n + i) * m + j];
    const options = (tensor: Tensor): AttentionOptions => ({ bias: relative ? relativeBias(tensor) : tensor, softcap: 1.5, mask: masks["causal and (a window or anywhere)"] });
    const wanted = explicit(kernel, data, options(bias).mask!, biasAt, 1.5);
    expectClose(await attention(kernel, inputs, options(bias)).read(), wanted, 1e-12);
    const report = await gradcheck(({ p, bias }) => ops.sum(ops.square(attention(kernel, p, options(bias)))), { p: inputs, bias }, { directions: 1 });
    expect(report.worst).toMatchObject({ passed: true });
  });

  it("a query that sees no key gets zeros, and gives zero gradients", async () => {
    const inputs = upload(cpu, data, shapes) as unknown as AttentionInputs;
    const mask = lengths({ keys: [0, 0] });
    const { value, gradients } = valueAndGrad((p) => ops.sum(attention(kernel, p, { mask })), inputs);
    expect((await value.read())[0]).toBe(0);
    for (const gradient of Object.values(gradients)) expect((await gradient.read()).every((x: number) => x === 0)).toBe(true);
  });
});

it("options that have no meaning for a composed kernel are refused", () => {
  for (const [name, factory] of Object.entries(kernels).filter(([, make]) => "compose" in make())) {
    const { fused } = attentionCases(name, { batch: 1, heads: 1, n: 2, m: 2, d: 2, dv: 2 });
    const inputs = upload(cpu, inputsOf(fused), fused.shapes) as unknown as AttentionInputs;
    expect(() => attention(factory(), inputs, { softcap: 1 })).toThrow(UnsupportedError);
  }
});

describeGpu("masks on the GPU", (gpu) => {
  async function results(backend: Backend, kernel: TiledKernel, options: (bias: Tensor) => AttentionOptions, biasShape: readonly number[]): Promise<Record<string, ArrayLike<number>>> {
    const all = { ...upload(backend, data, shapes), bias: backend.tensor(random(4).normals(biasShape.reduce((a, b) => a * b), 0.5), biasShape) };
    const run = ({ bias, ...inputs }: typeof all): Tensor => attention(kernel, inputs as unknown as AttentionInputs, options(bias));
    const { gradients } = valueAndGrad((p) => ops.sum(ops.square(run(p))), all);
    const read: Record<string, ArrayLike<number>> = { output: await run(all).read() };
    for (const [name, gradient] of Object.entries(gradients)) read[name] = await gradient.read();
    return read;
  }

  async function expectAsOnTheCpu(kernel: TiledKernel, options: (bias: Tensor) => AttentionOptions, biasShape: readonly number[]): Promise<void> {
    const exact = await results(cpu, kernel, options, biasShape);
    const actual = await results(gpu(), kernel, options, biasShape);
    for (const name of Object.keys(exact)) expectClose(actual[name], exact[name], 2 ** -16);
  }

  const everything = and(causal({ align: "bottom-right" }), slidingWindow(4), lengths({ queries: [7, 4], keys: [5, 9] }));

  it.each(tiled)("%s: causal, and a window with lengths, a bias and a softcap", async (_name, factory) => {
    await expectAsOnTheCpu(factory(), () => ({ mask: causal() }), [1]);
    await expectAsOnTheCpu(factory(), (bias) => ({ mask: everything, bias: relativeBias(bias), softcap: 1.5 }), [heads, n + m - 1]);
  });

  it.each(Object.entries(masks))("softmax: %s", async (_title, mask) => {
    await expectAsOnTheCpu(kernels["softmax"]() as TiledKernel, () => ({ mask }), [1]);
  });

  it.each(Object.entries(biasShapes))("softmax: a bias %s", async (_title, shape) => {
    const options = (bias: Tensor): AttentionOptions => ({ mask: anywhere, bias: shape.length === 2 ? relativeBias(bias) : bias });
    await expectAsOnTheCpu(kernels["softmax"]() as TiledKernel, options, shape);
  });
});

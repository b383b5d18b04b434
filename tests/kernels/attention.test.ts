import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attention,
  cpu,
  gradcheck,
  kernels,
  ops,
  random,
  type AttentionInputs,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { createCpu, implement } from "../../src/cpu/backend.js";
import { float64 } from "../../src/cpu/cpu.js";
import { attentionBackwardPrimitive } from "../../src/kernels/primitives.js";
import { attentionCases, casesFor, learnedBy, type Extents } from "../support/attention.js";
import { inputsOf, upload, type Case } from "../support/cases.js";
import { draws, drawsFor, expectAsExactAsFloat32, outputAndGradients, type Results } from "../support/compare.js";
import { naiveFloat32 } from "../support/float32.js";
import { describeGpu } from "../support/gpu.js";

const names = Object.keys(kernels);

/**
 * Extents around the edges of tiles (32 keys, 32 rows) and of vec4s. One key makes the gradients of a row-normalised
 * kernel vanish, one component those of the cosine, few values those of an RMS norm: they are tried apart, because what
 * vanishes has no relative error.
 */
const aroundEdges: fc.Arbitrary<Extents> = fc.record({
  batch: fc.constantFrom(1, 2),
  heads: fc.constantFrom(1, 3),
  n: fc.constantFrom(1, 2, 31, 33, 63, 64, 65),
  m: fc.constantFrom(5, 15, 16, 17, 31, 32, 33, 65),
  d: fc.constantFrom(2, 5, 8),
  dv: fc.constantFrom(5, 8),
});

const small: Extents = { batch: 2, heads: 2, n: 5, m: 7, d: 3, dv: 4 };

describe.each(names)("%s on the CPU", (name) => {
  it("is the unfused computation", async () => {
    await fc.assert(
      fc.asyncProperty(aroundEdges, fc.nat(1000), async (extents, seed) => {
        const { fused, unfused } = casesFor(name, extents);
        const results = await outputAndGradients(cpu, fused, seed);
        for (const [key, oracle] of Object.entries(await outputAndGradients(cpu, unfused, seed))) {
          const scale = Array.from(oracle).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-3);
          Array.from(oracle).forEach((value, index) =>
            expect(Math.abs(results[key][index] - value) / scale).toBeLessThan(1e-11),
          );
        }
      }),
      { numRuns: 12, seed: 1 },
    );
  });

  it("has the gradients of central differences, for everything it learns", async () => {
    const { fused } = casesFor(name, small);
    // a draw at which no gradient is so small beside the loss that rounding hides its digits
    const inputs = upload(cpu, inputsOf(fused, 2), fused.shapes);
    const weights = cpu.tensor(random(5).normals(2 * 2 * 5 * 4), [2, 2, 5, 4]);
    const fixed = new Set((kernels[name]().inputs ?? []).filter((input) => input.fixed).map((input) => input.name));
    const moving = Object.fromEntries(Object.entries(inputs).filter(([input]) => !fixed.has(input)));
    const report = await gradcheck((p) => ops.sum(ops.multiply(fused.run({ ...inputs, ...p }), weights)), moving);
    expect(report.worst).toMatchObject({ passed: true });
    expect(new Set(report.directions.map(({ parameter }) => parameter))).toEqual(new Set(Object.keys(moving)));
  });

  it("shares a key head among query heads as if it were repeated", async () => {
    const kernel = kernels[name]();
    const { fused } = attentionCases(name, { batch: 2, heads: 4, n: 3, m: 5, d: 2, dv: 3 });
    const shapes = { ...fused.shapes, k: [2, 2, 5, 2], v: [2, 2, 5, 3] };
    const learned = new Set(learnedBy(kernel).map((parameter) => parameter.name));
    const entries = Object.entries(upload(cpu, inputsOf({ shapes }), shapes)).filter(([input]) => !learned.has(input));
    const grouped = Object.fromEntries(entries) as unknown as AttentionInputs;
    const repeat = (x: Tensor): Tensor => {
      const [batch, heads, rows, width] = x.shape;
      return ops.reshape(ops.expand(ops.reshape(x, [batch, heads, 1, rows, width]), [batch, heads, 2, rows, width]), [
        batch,
        4,
        rows,
        width,
      ]);
    };
    const loss = (p: AttentionInputs): Tensor =>
      ops.sum(
        ops.square(ops.subtract(attention(kernel, p), attention(kernel, { ...p, k: repeat(p.k), v: repeat(p.v) }))),
      );
    expect((await loss(grouped).read())[0]).toBe(0);
    const { q, k, v } = grouped;
    // of the squares of normalised rows the sum is constant
    const weights = cpu.tensor(random(5).normals(2 * 4 * 3 * 3), [2, 4, 3, 3]);
    const report = await gradcheck((p) => ops.sum(ops.multiply(attention(kernel, { ...grouped, ...p }), weights)), {
      q,
      k,
      v,
    });
    expect(report.worst).toMatchObject({ passed: true });
  });
});

describe("a wrong derivative of attention", () => {
  it("turns the gradient check red", async () => {
    const right = float64.get(attentionBackwardPrimitive)!;
    const flipped = implement(attentionBackwardPrimitive, (inputs, outputs, attributes) => {
      right(inputs, outputs, attributes as never);
      const last = outputs[outputs.length - 1].data;
      last.forEach((value, index) => (last[index] = -value));
    });
    const backend = createCpu("float64", (size) => new Float64Array(size), new Map([...float64, flipped]));
    const { fused } = casesFor("gaussian", small);
    const inputs = upload(backend, inputsOf(fused), fused.shapes);
    const report = await gradcheck((p) => ops.sum(ops.square(fused.run(p))), inputs);
    expect(report.passed).toBe(false);
    expect(report.worst.parameter).toBe("gamma");
  });
});

describeGpu("attention on the GPU", (gpu) => {
  async function expectExact(name: string, extents: Extents, seed: number): Promise<void> {
    const { fused, unfused } = casesFor(name, extents);
    const count = drawsFor(fused);
    const on = (backend: Backend, testCase: Case) =>
      draws(count, seed, (draw) => outputAndGradients(backend, testCase, draw));
    expectAsExactAsFloat32(await on(gpu(), fused), await on(naiveFloat32, unfused), await on(cpu, fused));
  }

  /** The same from one draw, for all that has many numbers in it. */
  async function expectManyExact(name: string, extents: Extents): Promise<void> {
    const { fused, unfused } = casesFor(name, extents);
    const many = (results: Results): Results =>
      Object.fromEntries(Object.entries(results).filter(([, values]) => values.length >= 64));
    const on = async (backend: Backend, testCase: Case): Promise<Results[]> => [
      many(await outputAndGradients(backend, testCase)),
    ];
    expectAsExactAsFloat32(await on(gpu(), fused), await on(naiveFloat32, unfused), await on(cpu, fused));
  }

  it.each(names)("%s is as exact as unfused float32, gradients too, around tile edges", async (name) => {
    const property = fc.asyncProperty(aroundEdges, fc.nat(1000), (extents, seed) => expectExact(name, extents, seed));
    await fc.assert(property, { numRuns: 5, seed: 2 });
  });

  it.each(names)("%s with one query, one key, one component", async (name) => {
    for (const extents of [
      { n: 1, m: 1, d: 1, dv: 1 },
      { n: 40, m: 1, d: 3, dv: 2 },
      { n: 1, m: 40, d: 1, dv: 1 },
    ]) {
      const { fused } = casesFor(name, { batch: 1, heads: 2, ...extents });
      const exact = await outputAndGradients(cpu, fused);
      const actual = await outputAndGradients(gpu(), fused);
      for (const [key, values] of Object.entries(exact)) {
        Array.from(values).forEach((value, index) =>
          expect(Math.abs(actual[key][index] - value)).toBeLessThan(1e-4 * Math.max(1, Math.abs(value))),
        );
      }
    }
  });

  it.each(names)("%s is as exact at odd lengths and widths above a tile's", async (name) => {
    await expectManyExact(name, { batch: 1, heads: 2, n: 113, m: 203, d: 21, dv: 13 });
  });

  it.each(names)("%s is as exact over long sequences", async (name) => {
    await expectManyExact(name, { batch: 1, heads: 1, n: 257, m: 259, d: 8, dv: 8 });
  });

  it.each(names)("%s repeats its gradients bit for bit", async (name) => {
    const { fused } = casesFor(name, { batch: 2, heads: 2, n: 70, m: 45, d: 8, dv: 4 });
    const first = await outputAndGradients(gpu(), fused);
    for (let repeat = 1; repeat < 10; repeat++) expect(await outputAndGradients(gpu(), fused)).toEqual(first);
  });
});

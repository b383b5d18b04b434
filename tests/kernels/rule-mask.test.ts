import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  and,
  ArgumentError,
  attention,
  booleanMask,
  causal,
  cpu,
  documents,
  gaussian,
  indices,
  linear,
  maskOf,
  ops,
  random,
  ShapeError,
  sigmoid,
  softmax,
  valueAndGrad,
  type AttentionKernel,
  type Backend,
  type Mask,
  type Tensor,
} from "../../src/index.js";
import { resolveMask } from "../../src/kernels/resolve-mask.js";
import { describeGpu } from "../support/gpu.js";

const [heads, kvHeads, dim] = [2, 1, 3];
/** Documents of several lengths, one of a single token, one of them in two pieces. */
const packed = [4, 4, 4, 7, 2, 2, 4, 9, 9, 9, 9];

interface Inputs {
  readonly [name: string]: Tensor;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

function inputsOn(backend: Backend, tokens: readonly number[], batch = 1): Inputs {
  const numbers = (count: number, seed: number): number[] => {
    const all = random(seed).normals(batch * count * packed.length * dim);
    const row = (entry: number, head: number, token: number): number[] =>
      Array.from(all.slice(((entry * count + head) * packed.length + token) * dim).slice(0, dim));
    return Array.from({ length: batch * count }, (_, at) =>
      tokens.flatMap((token) => row(Math.floor(at / count), at % count, token)),
    ).flat();
  };
  const make = (count: number, seed: number): Tensor =>
    backend.tensor(Float32Array.from(numbers(count, seed)), [batch, count, tokens.length, dim]);
  return { q: make(heads, 1), k: make(kvHeads, 2), v: make(kvHeads, 3) };
}

/** Output and gradients, [batch, heads or kvHeads, tokens, dim] each. */
async function results(kernel: AttentionKernel, inputs: Inputs, mask: Mask): Promise<number[][]> {
  const run = (all: Inputs): Tensor => attention(kernel, all, { mask });
  const { gradients } = valueAndGrad((all: Inputs) => ops.sum(ops.square(run(all))), inputs);
  return Promise.all([run(inputs), gradients.q, gradients.k, gradients.v].map(async (x) => Array.from(await x.read())));
}

function expectPacked(backend: () => Backend, kernels: readonly AttentionKernel[], digits: number): void {
  it.each(kernels)("each document is as it is alone, $name", async (kernel) => {
    const everything = packed.map((_, token) => token);
    for (const further of [undefined, causal()]) {
      const mask = further === undefined ? documents(packed) : and(further, documents(packed));
      const together = await results(kernel, inputsOn(backend(), everything), mask);
      for (const id of new Set(packed)) {
        const tokens = everything.filter((token) => packed[token] === id);
        const every = maskOf(() => true);
        const alone = await results(kernel, inputsOn(backend(), tokens), further ?? every);
        alone.forEach((numbers, which) => {
          const count = which < 2 ? heads : kvHeads;
          for (let head = 0; head < count; head++)
            tokens.forEach((token, at) => {
              for (let c = 0; c < dim; c++)
                expect(together[which][(head * packed.length + token) * dim + c]).toBeCloseTo(
                  numbers[(head * tokens.length + at) * dim + c],
                  digits,
                );
            });
        });
      }
    }
  });
}

describe("documents, cpu", () => {
  expectPacked(() => cpu, [softmax(), gaussian({ normalize: true }), sigmoid({ bias: -1 }), linear()], 12);

  it("may differ between batch entries", async () => {
    const ids = [packed, [...packed].reverse()];
    const inputs = inputsOn(
      cpu,
      packed.map((_, token) => token),
      2,
    );
    const mask = documents(indices(ids.flat(), [2, packed.length]));
    const rule = maskOf((batch, _head, i, j) => ids[batch][i] === ids[batch][j], { batch: true });
    expect(await results(softmax(), inputs, mask)).toEqual(await results(softmax(), inputs, rule));
  });

  it("refuses other numbers of tokens", () => {
    const inputs = inputsOn(cpu, [0, 1, 2]);
    const run = (mask: Mask) => attention(softmax(), inputs, { mask });
    expect(() => run(documents([0, 1]))).toThrow(ShapeError);
    expect(() => run(documents([0, 1]))).toThrow(/documents: ids: wanted \[3\] or \[1, 3\], got \[2\]/);
    expect(() => run(documents([0, 1, 0, 1]))).toThrow(/got \[4\]/);
    expect(() => run(documents(indices([0, 1, 1, 0, 0, 0], [2, 3])))).toThrow(/got \[2, 3\]/);
    expect(() => run(documents([0, 1, 1], { keys: [0, 1] }))).toThrow(/documents: keys: wanted \[3\] or/);
    const longer = { q: inputs.q, k: cpu.full(1, [1, kvHeads, 4, dim]), v: cpu.full(1, [1, kvHeads, 4, dim]) };
    expect(() => attention(softmax(), longer, { mask: documents([0, 1, 1]) })).toThrow(/attends to itself/);
    expect(() => documents(indices([0], [1, 1, 1]))).toThrow(ShapeError);
    for (const wrong of [[0.5], [-1], [NaN]]) expect(() => documents(wrong)).toThrow(ArgumentError);
  });

  it("of any lengths are as they are alone", async () => {
    const lengthsOf = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lengthsOf, fc.boolean(), async (lengths, isCausal) => {
        const ids = lengths.flatMap((length, id) => Array.from({ length }, () => id)).slice(0, packed.length);
        const everything = ids.map((_, token) => token);
        const further = isCausal ? causal() : maskOf(() => true);
        const [together] = await results(softmax(), inputsOn(cpu, everything), and(further, documents(ids)));
        for (const id of new Set(ids)) {
          const tokens = everything.filter((token) => ids[token] === id);
          const [alone] = await results(softmax(), inputsOn(cpu, tokens), further);
          for (let head = 0; head < heads; head++)
            tokens.forEach((token, at) => {
              const row = (rows: number[], place: number, all: number) =>
                rows.slice((head * all + place) * dim, (head * all + place + 1) * dim);
              row(together, token, ids.length).forEach((value, c) =>
                expect(value).toBeCloseTo(row(alone, at, tokens.length)[c], 12),
              );
            });
        }
      }),
      { numRuns: 30, seed: 5 },
    );
  });

  it("are spans, whose tiles are skipped, where documents are runs in one order; else a number for each pair", () => {
    const resolve = (mask: Mask, keys = 4) => resolveMask(mask, { batch: 2, heads: 1, queries: 4, keys });
    const entry = [0, 1, 0, 1, 1, 3, 1, 3, 1, 3, 1, 3, 3, 4, 3, 4];
    const inRuns = documents([7, 2, 2, 5]);
    expect(resolve(inRuns)).toMatchObject({ spans: [...entry, ...entry], lengths: [0, 4, 0, 4, 0, 4, 0, 4] });
    expect(resolve(inRuns).dense).toBeUndefined();
    // Both have a document of tokens 1 and 2; the second ends the last one a token earlier.
    const halved = resolve(and(inRuns, documents([0, 1, 2, 2]))).spans!;
    expect(halved.slice(0, 16)).toEqual([0, 1, 0, 1, 1, 2, 1, 2, 2, 3, 2, 3, 3, 4, 3, 4]);
    for (const [mask, keys] of [
      [documents([1, 0, 1, 1]), 4],
      [documents([0, 0, 1, 1], { keys: [1, 0] }), 2],
    ] as const)
      expect(resolve(mask, keys)).toMatchObject({ spans: undefined, dense: { shape: [1, 1, 4, keys] } });
  });
});

describeGpu("documents, gpu", (gpu) => expectPacked(gpu, [softmax(), gaussian({ normalize: true })], 4));

describe("maskOf", () => {
  const tokens = [0, 1, 2, 3, 4];
  const inputs = inputsOn(cpu, tokens, 2);

  it("is the boolean mask of its rule", async () => {
    const rule = (batch: number, head: number, i: number, j: number): boolean => (batch + 2 * head + i * j) % 3 !== 1;
    for (const [byBatch, byHead] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ]) {
      const values: boolean[] = [];
      const shape = [byBatch ? 2 : 1, byHead ? heads : 1, 5, 5];
      for (let b = 0; b < shape[0]; b++)
        for (let h = 0; h < shape[1]; h++)
          for (const i of tokens) for (const j of tokens) values.push(rule(b, h, i, j));
      const own = await results(softmax(), inputs, maskOf(rule, { batch: byBatch, heads: byHead }));
      expect(own).toEqual(await results(softmax(), inputs, booleanMask(values, shape)));
    }
  });

  it("asks for entry 0 and head 0 where it does not vary, also beside a mask that does", async () => {
    const asked = new Set<string>();
    const rule = (batch: number, head: number, i: number, j: number): boolean => {
      asked.add(`${batch} ${head}`);
      return batch + head === 0 && i >= j;
    };
    const everywhere = maskOf(() => true, { batch: true, heads: true });
    const joined = await results(softmax(), inputs, and(everywhere, maskOf(rule)));
    expect([...asked]).toEqual(["0 0"]);
    expect(joined).toEqual(await results(softmax(), inputs, and(everywhere, causal())));
  });

  it("refuses a rule that gives no truth value", () => {
    const run = (rule: (...place: number[]) => unknown) =>
      attention(softmax(), inputs, { mask: maskOf(rule as () => boolean) });
    expect(() => run((_b, _h, i, j) => i - j)).toThrow(
      /rule: wanted true or false .*, got 0 for batch 0, head 0, query 0/,
    );
  });
});

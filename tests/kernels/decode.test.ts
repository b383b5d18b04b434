import { describe, expect, it } from "vitest";
import {
  and,
  attention,
  causal,
  cpu,
  decode,
  factored,
  kernels,
  keyValueCache,
  lengths,
  random,
  slidingWindow,
  softmax,
  spatial,
  valueAndGrad,
  ops,
  ArgumentError,
  UnsupportedError,
  type AttentionInputs,
  type AttentionOptions,
  type Backend,
  type Tensor,
} from "../../src/index.js";
import { attentionCases } from "../support/attention.js";
import { inputsOf, upload } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";

const [batch, heads, d, dv] = [2, 2, 4, 3];

interface Run {
  readonly tokens: number;
  /** New tokens of each step. */
  readonly steps: readonly number[];
  readonly window?: number;
  /** Tokens on the left of every batch entry that are none. */
  readonly padding?: readonly number[];
}

/** The rows of the full causal pass, and the same rows from decoding step by step. */
async function bothWays(
  backend: Backend,
  name: string,
  { tokens, steps, window, padding }: Run,
): Promise<[ArrayLike<number>, ArrayLike<number>]> {
  const kernel = kernels[name]();
  const { fused } = attentionCases(name, { batch, heads, n: tokens, m: tokens, d, dv });
  const inputs = upload(backend, inputsOf(fused), fused.shapes) as unknown as AttentionInputs;
  const own = Object.fromEntries(
    Object.entries(inputs).filter(([input]) => (kernel.inputs ?? []).some((known) => known.name === input)),
  );
  const masks = [causal()];
  if (window !== undefined) masks.push(slidingWindow(window));
  if (padding !== undefined) masks.push(lengths({ keys: padding.map((count) => tokens - count), padding: "left" }));
  const options: AttentionOptions = { mask: and(...masks) };
  const { q, k, v } = inputs;
  const full = backend.scope(() => attention(kernel, { ...own, q, k, v }, options));
  const cache = keyValueCache(backend, kernel, {
    batch,
    kvHeads: heads,
    capacity: tokens,
    dim: q.shape[3],
    valueDim: dv,
  });
  const rows = backend.scope(() => {
    let start = 0;
    const outputs = steps.map((count) => {
      const part = (x: Tensor): Tensor => ops.slice(x, 2, start, count);
      const output = decode(cache, { ...own, q: part(q), k: part(k), v: part(v) }, { window, padding });
      start += count;
      return output;
    });
    return ops.concat(outputs, 2);
  });
  expect(cache.length).toBe(tokens);
  const results: [ArrayLike<number>, ArrayLike<number>] = [await full.read(), await rows.read()];
  cache.dispose();
  return results;
}

function expectSame([full, rows]: readonly [ArrayLike<number>, ArrayLike<number>], tolerance: number): void {
  expect(rows.length).toBe(full.length);
  const scale = Array.from(full).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  Array.from(full).forEach((value, index) => expect(Math.abs(rows[index] - value)).toBeLessThan(tolerance * scale));
}

/** All but spatial, which needs to know where its rows are. */
const names = Object.keys(kernels).filter((name) => name !== "spatial");

describe("decoding on the CPU", () => {
  it.each(names)("%s gives the rows of the full pass", async (name) => {
    expectSame(await bothWays(cpu, name, { tokens: 9, steps: [4, 1, 1, 2, 1] }), 1e-12);
  });

  it.each(names)("%s with a window", async (name) => {
    expectSame(await bothWays(cpu, name, { tokens: 9, steps: [4, 1, 1, 2, 1], window: 2 }), 1e-12);
  });

  it.each(names)("%s with prompts that end together", async (name) => {
    expectSame(await bothWays(cpu, name, { tokens: 9, steps: [4, 1, 1, 2, 1], padding: [3, 0] }), 1e-12);
  });

  it("prompts that end together give what they give alone", async () => {
    const [tokens, first] = [6, 2];
    const x = cpu.tensor(random(2).normals(2 * tokens * d), [2, 1, tokens, d]);
    const sizes = { kvHeads: 1, capacity: tokens, dim: d };
    const [pair, alone] = [
      keyValueCache(cpu, softmax(), { batch: 2, ...sizes }),
      keyValueCache(cpu, softmax(), { batch: 1, ...sizes }),
    ];
    const short = ops.slice(ops.slice(x, 0, 0, 1), 2, first, tokens - first);
    const wanted = decode(alone, { q: short, k: short, v: short });
    const actual = decode(pair, { q: x, k: x, v: x }, { padding: [first, 0] });
    const rows = await ops.slice(ops.slice(actual, 0, 0, 1), 2, first, tokens - first).read();
    expectSame([await wanted.read(), rows], 1e-14);
    // Queries in the padding get zeros.
    expect(await ops.slice(ops.slice(actual, 0, 0, 1), 2, 0, first).read()).toEqual(new Float64Array(first * d));
  });

  it.each([[[1]], [[1, 5]], [[1, -1]], [[0.5, 0]]])("refuses a padding of %j", (padding) => {
    const cache = keyValueCache(cpu, softmax(), { batch: 2, kvHeads: 1, capacity: 4, dim: 2 });
    const x = cpu.full(1, [2, 1, 1, 2]);
    expect(() => decode(cache, { q: x, k: x, v: x }, { padding })).toThrow(/decode: padding: wanted/);
    expect(cache.length).toBe(0);
  });

  it("refuses a kernel that needs the place of its rows", () => {
    const sizes = { batch: 1, kvHeads: 2, capacity: 16, dim: 8 };
    expect(() => keyValueCache(cpu, spatial(), sizes)).toThrow(/kernel: wanted one .* got spatial, whose positions/);
  });

  it("factored attention keeps no keys", () => {
    const sizes = { batch: 1, kvHeads: 2, capacity: 16, dim: 8 };
    const [with2, without] = [softmax(), factored()].map((kernel) => keyValueCache(cpu, kernel, sizes));
    expect(without.keys).toBeUndefined();
    expect(without.bytes).toBe(with2.bytes / 2);
  });

  it("keeps its length when a call throws", () => {
    const kernel = kernels["relativePosition"]();
    const cache = keyValueCache(cpu, kernel, { batch: 1, kvHeads: 1, capacity: 4, dim: 2 });
    const x = cpu.tensor(random(1).normals(2), [1, 1, 1, 2]);
    expect(() => decode(cache, { q: x, k: x, v: x })).toThrow(/positions: wanted a tensor/);
    expect(cache.length).toBe(0);
  });

  it("refuses more than fits, and gradients", () => {
    const cache = keyValueCache(cpu, softmax(), { batch: 1, kvHeads: 1, capacity: 2, dim: 2 });
    const x = cpu.tensor(random(1).normals(6), [1, 1, 3, 2]);
    expect(() => decode(cache, { q: x, k: x, v: x })).toThrow(ArgumentError);
    expect(() =>
      valueAndGrad((p: { q: Tensor }) => ops.sum(decode(cache, { q: p.q, k: p.q, v: p.q })), {
        q: ops.slice(x, 2, 0, 1),
      }),
    ).toThrow(UnsupportedError);
  });
});

describeGpu("decoding on the GPU, with the keys of a row split over workgroups", (gpu) => {
  it.each(names)("%s gives the rows of the full pass", async (name) => {
    // 600 keys are three splits of 256.
    expectSame(await bothWays(gpu(), name, { tokens: 600, steps: [590, 1, 1, 3, 1, 4] }), 2 ** -17);
  });

  it.each(["softmax", "gaussian", "linear"])("%s with prompts that end together", async (name) => {
    // The first batch entry begins in the third split.
    expectSame(await bothWays(gpu(), name, { tokens: 600, steps: [590, 1, 1, 3, 1, 4], padding: [520, 70] }), 2 ** -17);
  });
});

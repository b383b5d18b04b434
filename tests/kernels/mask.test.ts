import { describe, expect, it } from "vitest";
import {
  and,
  attention,
  attentionWithStatistic,
  booleanMask,
  causal,
  cpu,
  differential,
  gradcheck,
  kernelFeatures,
  kernels,
  lengths,
  linear,
  ops,
  or,
  random,
  relativeBias,
  slidingWindow,
  softmax,
  UnsupportedError,
  valueAndGrad,
  type AttentionInputs,
  type AttentionKernel,
  type AttentionOptions,
  type Backend,
  type Mask,
  type Tensor,
  type TiledKernel,
} from "../../src/index.js";
import { compare, emptyPair } from "../../src/cpu/attention.js";
import { densify, resolveMask } from "../../src/kernels/mask.js";
import { attentionCases } from "../support/attention.js";
import { inputsOf, upload, type Case } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";
import { unfusedAttention } from "../support/unfused.js";

const [batch, heads, n, m, d, dv] = [2, 2, 7, 9, 3, 6];
const sizes = { batch, heads, queries: n, keys: m };
const stream = random(9);
const anywhere = booleanMask(
  Array.from({ length: batch * n * m }, () => stream.uniform() < 0.5),
  [batch, 1, n, m],
);
const padded = lengths({ queries: [7, 4], keys: [0, 6] });
const paddedLeft = lengths({ queries: [5, 0], keys: [9, 6], padding: "left" });
/** Truth values over these axes, the others repeated; never a single run of them. */
const scattered = (shape: readonly number[]): Mask =>
  booleanMask(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, place) => place % 3 !== 1),
    shape,
  );

const masks: Readonly<Record<string, Mask>> = {
  "causal, top-left": causal(),
  "causal, bottom-right": causal({ align: "bottom-right" }),
  "a sliding window": slidingWindow(2),
  "lengths of queries and keys": padded,
  "a truth value for every pair": anywhere,
  "causal and a window and lengths": and(causal(), slidingWindow(3), padded),
  "a window or anywhere": or(slidingWindow(1), anywhere),
  "lengths, padded on the left": paddedLeft,
  "causal and lengths, padded on the left and on the right": and(
    causal({ align: "bottom-right" }),
    paddedLeft,
    lengths({ keys: [5, 8] }),
  ),
  "keys for all queries": scattered([batch, 1, 1, m]),
  "a run of keys for all queries, in few numbers": booleanMask([0, 0, 1, 1, 1, 1, 0, 0, 0], [1, 1, 1, m]),
  "keys of every head, and queries for all keys": and(scattered([1, heads, 1, m]), scattered([batch, 1, n, 1])),
  "keys for all queries, or a window, and a run of queries": and(
    or(scattered([batch, 1, 1, m]), slidingWindow(0)),
    booleanMask([0, 1, 1, 1, 1, 1, 0], [1, 1, n, 1]),
  ),
  "whole batch entries": booleanMask([1, 0], [batch, 1, 1, 1]),
  "causal and (a window or anywhere)": and(causal({ align: "bottom-right" }), or(slidingWindow(1), anywhere)),
};

const biasShapes: Readonly<Record<string, readonly number[]>> = {
  "for every pair": [batch, heads, n, m],
  "shared by batch entries": [1, heads, n, m],
  "shared by heads": [batch, 1, n, m],
  "of keys": [batch, 1, 1, m],
  "of the queries of every head": [1, heads, n, 1],
  "of heads": [1, heads, 1, 1],
  relative: [heads, n + m - 1],
  "relative, shared by heads": [1, n + m - 1],
};

const tiled = Object.entries(kernels).filter((entry): entry is [string, () => TiledKernel] => "formula" in entry[1]());
const composed = Object.entries(kernels).filter(([, factory]) => "compose" in factory());
/** Queries, keys, values and what the kernel takes beside them, by name; its parameters keep their initial values. */
function inputsFor(name: string): { shapes: Case["shapes"]; data: Record<string, Float32Array> } {
  const { fused } = attentionCases(name, { batch, heads, n, m, d, dv });
  const kernel = kernels[name]();
  const learned = new Set("parameters" in kernel ? kernel.parameters.map((parameter) => parameter.name) : []);
  const shapes = Object.fromEntries(Object.entries(fused.shapes).filter(([input]) => !learned.has(input)));
  // A draw in which central differences meet no kink of relu or elu, and no row sum of polynomial near 0.
  const data = inputsOf({ shapes }, 23);
  // λ of differential attention is well away from 1 where learning starts; at 1 an RMS norm divides by almost nothing.
  const starts = "compose" in kernel ? (kernel.inputs ?? []) : [];
  for (const { name: input, initial } of starts)
    if (initial !== undefined) data[input] = Float32Array.from(initial(shapes[input], random(6)));
  return { shapes, data };
}

interface Explicit {
  readonly output: number[];
  readonly statistic: number[];
}

/** Attention by explicit loops over every pair, in float64, and the row sums of its weights. */
async function explicit(
  kernel: TiledKernel,
  inputs: AttentionInputs,
  mask: Mask,
  biasAt: (...place: number[]) => number,
  softcap?: number,
): Promise<Explicit> {
  const { formula, normalizer, parameters } = kernel;
  const learned = Float64Array.from(parameters, ({ initial }) => initial({ ...sizes, dim: d }));
  // Under a softcap no part of a score is a bias of the kernel's own, but for one of relative positions.
  const prepared =
    kernel.prepare?.(inputs, { softcap: softcap ?? Infinity, affordsBias: false, isMasked: false }) ?? inputs;
  const [q, k, v] = await Promise.all(
    [prepared.q, prepared.k, prepared.v].map(async (x) => Float64Array.from(await x.read())),
  );
  const width = prepared.q.shape[3];
  const positions = "positions" in inputs ? await inputs["positions"].read() : undefined;
  const pair = emptyPair();
  const output: number[] = [];
  const statistic: number[] = [];
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < n; i++) {
        const weights: number[] = [];
        for (let j = 0; j < m; j++) {
          compare(formula, q, ((b * heads + h) * n + i) * width, k, ((b * heads + h) * m + j) * width, width, pair);
          const plain = formula.score(pair, learned);
          const own = positions === undefined ? 0 : positions[h * (n + m - 1) + i - j + m - 1];
          const score =
            (softcap === undefined ? plain : softcap * Math.tanh(plain / softcap)) + own + biasAt(b, h, i, j);
          const weight = normalizer === "softmax" ? Math.exp(score) : formula.weight(score);
          weights.push(mask.allows(sizes, b, h, i, j) ? weight : 0);
        }
        const sum = weights.reduce((x, y) => x + y);
        const total = { softmax: sum, sum, count: m, none: 1 }[normalizer];
        statistic.push(normalizer === "softmax" ? Math.log(sum) : total);
        for (let c = 0; c < dv; c++) {
          const mixed = weights.reduce((x, weight, j) => x + weight * v[((b * heads + h) * m + j) * dv + c], 0);
          output.push(total === 0 ? 0 : mixed / total);
        }
      }
    }
  }
  return { output, statistic };
}

/** Those inputs through which gradients flow. */
function moving(kernel: AttentionKernel, inputs: AttentionInputs): Record<string, Tensor> {
  const fixed = new Set((kernel.inputs ?? []).filter((input) => input.fixed).map((input) => input.name));
  return Object.fromEntries(Object.entries(inputs).filter(([input]) => !fixed.has(input)));
}

/**
 * Σ of the output times fixed random numbers: unlike a sum of squares it does not vanish where rows have unit length.
 */
function weighted(output: Tensor): Tensor {
  return ops.sum(ops.multiply(output, output.backend.tensor(random(8).normals(output.size), output.shape)));
}

function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number): void {
  const scale = Array.from(wanted).reduce((a, b) => Math.max(a, Math.abs(b)), 1e-30);
  Array.from(wanted).forEach((value, index) => expect(Math.abs(actual[index] - value) / scale).toBeLessThan(tolerance));
}

describe.each(tiled)("masks of %s, against explicit loops", (name, factory) => {
  const kernel = factory();
  const { shapes, data } = inputsFor(name);
  const upload64 = (): AttentionInputs => upload(cpu, data, shapes) as unknown as AttentionInputs;

  it.each(Object.entries(masks))("%s", async (_title, mask) => {
    const inputs = upload64();
    expectClose(
      await attention(kernel, inputs, { mask }).read(),
      (await explicit(kernel, inputs, mask, () => 0)).output,
      1e-12,
    );
    const report = await gradcheck(
      (p) => weighted(attention(kernel, { ...inputs, ...p }, { mask })),
      moving(kernel, inputs),
      { directions: 1 },
    );
    expect(report.worst).toMatchObject({ passed: true });
  });

  it.each(Object.entries(biasShapes))("a bias %s, with a softcap", async (_title, shape) => {
    const inputs = upload64();
    const bias = cpu.tensor(
      random(4).normals(
        shape.reduce((a, b) => a * b),
        0.5,
      ),
      shape,
    );
    const numbers = await bias.read();
    const relative = shape.length === 2;
    const biasAt = (b: number, h: number, i: number, j: number): number =>
      relative
        ? numbers[(shape[0] === 1 ? 0 : h) * (n + m - 1) + i - j + m - 1]
        : numbers[[b, h, i, j].reduce((at, place, axis) => at * shape[axis] + (shape[axis] === 1 ? 0 : place), 0)];
    const options = (tensor: Tensor): AttentionOptions => ({
      bias: relative ? relativeBias(tensor) : tensor,
      softcap: 1.5,
      mask: masks["causal and (a window or anywhere)"],
    });
    const wanted = await explicit(kernel, inputs, options(bias).mask!, biasAt, 1.5);
    expectClose(await attention(kernel, inputs, options(bias)).read(), wanted.output, 1e-12);
    const run = ({ p, bias }: { p: Record<string, Tensor>; bias: Tensor }): Tensor =>
      attention(kernel, { ...inputs, ...p }, options(bias));
    const report = await gradcheck((p) => weighted(run(p)), { p: moving(kernel, inputs), bias }, { directions: 1 });
    // What all keys share, softmax divides out: its gradient is zero to rounding, which differences cannot tell.
    const cancels = !relative && shape[3] === 1 && "normalizer" in kernel && kernel.normalizer === "softmax";
    const judged = cancels ? report.directions.filter(({ parameter }) => parameter !== "bias") : report.directions;
    expect(report.verdict).not.toBe("failed");
    for (const direction of judged) expect(direction).toMatchObject({ passed: true });
  });

  it("a query that sees no key gets zeros, and gives zero gradients", async () => {
    const inputs = upload64();
    const mask = lengths({ keys: [0, 0] });
    const { value, gradients } = valueAndGrad(
      (p) => ops.sum(attention(kernel, { ...inputs, ...p }, { mask })),
      moving(kernel, inputs),
    );
    expect((await value.read())[0]).toBe(0);
    for (const gradient of Object.values(gradients))
      expect((await gradient.read()).every((x: number) => x === 0)).toBe(true);
  });

  it("the statistic of a row: log-sum-exp, or what divides its weights", async () => {
    const inputs = upload64();
    const { statistic } = attentionWithStatistic(kernel, inputs, { mask: causal() });
    expect(statistic.shape).toEqual([batch, heads, n]);
    expectClose(await statistic.read(), (await explicit(kernel, inputs, causal(), () => 0)).statistic, 1e-12);
  });
});

describe.each(composed)("options of %s, which has passes of its own", (name, factory) => {
  const kernel = factory();
  const { shapes, data } = inputsFor(name);
  const inputs = upload(cpu, data, shapes) as unknown as AttentionInputs;
  const features = kernelFeatures(kernel);

  it.runIf(features.mask).each(Object.entries(masks))("%s, against unfused weights", async (_title, mask) => {
    const { seen, shape } = densify(mask, sizes);
    const wanted = await unfusedAttention(name, inputs, cpu.tensor(seen, shape)).read();
    expectClose(await attention(kernel, inputs, { mask }).read(), wanted, 1e-12);
    const report = await gradcheck(
      (p) => weighted(attention(kernel, { ...inputs, ...p }, { mask })),
      moving(kernel, inputs),
      { directions: 1 },
    );
    expect(report.worst).toMatchObject({ passed: true });
  });

  it.each(["mask", "bias", "softcap"] as const)("%s is taken, or refused where it has no meaning", (option) => {
    const options: AttentionOptions = {
      [option]: { mask: causal(), bias: relativeBias(cpu.full(1, [1, n + m - 1])), softcap: 1.5 }[option],
    };
    const call = (): Tensor => attention(kernel, inputs, options);
    if (features[option]) expect(call).not.toThrow();
    else expect(call).toThrow(UnsupportedError);
  });
});

it("differential attention gives bias and softcap to both of its softmax maps", async () => {
  const { shapes, data } = inputsFor("differential");
  const inputs = upload(cpu, data, shapes);
  const zeros = {
    lambdaQuery1: cpu.full(0, [2]),
    lambdaKey1: cpu.full(0, [2]),
    lambdaQuery2: cpu.full(0, [2]),
    lambdaKey2: cpu.full(0, [2]),
  };
  const options: AttentionOptions = {
    mask: causal(),
    bias: cpu.tensor(random(4).normals(n * m), [1, 1, n, m]),
    softcap: 1.5,
  };
  const half = (start: number): Tensor =>
    attention(
      softmax(),
      { q: ops.slice(inputs["q"], 3, start, 2), k: ops.slice(inputs["k"], 3, start, 2), v: inputs["v"] },
      options,
    );
  const wanted = ops.addScaled(half(0), half(2), -0.2);
  const actual = attention(
    differential({ normalize: false }),
    { ...inputs, ...zeros } as unknown as AttentionInputs,
    options,
  );
  expectClose(await actual.read(), await wanted.read(), 1e-12);
});

it("linear attention with a causal mask is the same over many chunks", async () => {
  const shapes = { q: [1, 2, 200, 4], k: [1, 2, 200, 4], v: [1, 2, 200, 3] };
  const inputs = upload(cpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs;
  const { seen, shape } = densify(causal(), { batch: 1, heads: 2, queries: 200, keys: 200 });
  expectClose(
    await attention(linear(), inputs, { mask: causal() }).read(),
    await unfusedAttention("linear", inputs, cpu.tensor(seen, shape)).read(),
    1e-12,
  );
  const report = await gradcheck((p) => weighted(attention(linear(), p, { mask: causal() })), inputs, {
    directions: 1,
  });
  expect(report.worst).toMatchObject({ passed: true });
  expect(() => attention(linear(), inputs, { mask: slidingWindow(3) })).toThrow(UnsupportedError);
});

describe("linear attention over more queries than it takes pair by pair", () => {
  const [queries, keys] = [70, 90];
  const shapes = { q: [2, 2, queries, 4], k: [2, 2, keys, 4], v: [2, 2, keys, 3] };
  const inputs = upload(cpu, inputsOf({ shapes }), shapes) as unknown as AttentionInputs;
  const some = (count: number, shape: readonly number[]): Mask =>
    booleanMask(
      Array.from({ length: count }, (_, place) => place % 3 !== 1),
      shape,
    );
  const allowed: Readonly<Record<string, Mask>> = {
    "padding on the right": lengths({ queries: [70, 33], keys: [0, 65] }),
    "causal, with padding on the left": and(causal(), lengths({ queries: [70, 33], keys: [90, 53], padding: "left" })),
    "scattered keys": some(2 * keys, [2, 1, 1, keys]),
    "causal, with scattered keys of every head and scattered queries": and(
      some(2 * keys, [1, 2, 1, keys]),
      causal(),
      some(queries, [1, 1, queries, 1]),
    ),
  };
  it.each(Object.entries(allowed))("%s", async (_title, mask) => {
    const { seen, shape } = densify(mask, { batch: 2, heads: 2, queries, keys });
    const wanted = await unfusedAttention("linear", inputs, cpu.tensor(seen, shape)).read();
    expectClose(await attention(linear(), inputs, { mask }).read(), wanted, 1e-12);
    const report = await gradcheck((p) => weighted(attention(linear(), p, { mask })), inputs, { directions: 1 });
    expect(report.worst).toMatchObject({ passed: true });
  });

  it("refuses what hides pairs in another way", () => {
    expect(() => attention(linear(), inputs, { mask: or(causal(), allowed["scattered keys"]) })).toThrow(
      /a mask of queries or keys alone/,
    );
  });
});

describe("masks that do not fit", () => {
  const x = cpu.full(1, [2, 1, 3, 2]);
  const mask =
    (mask: Mask, kernel: AttentionKernel = softmax()) =>
    () =>
      attention(kernel, { q: x, k: x, v: x }, { mask });
  const wrong: Readonly<Record<string, readonly [Mask, RegExp]>> = {
    "keys of another batch": [
      booleanMask([1, 1, 1, 1, 0, 1, 1, 0, 1], [3, 1, 1, 3]),
      /booleanMask: shape: wanted \[2 or 1, 1 or 1, 3 or 1, 3 or 1\], got \[3, 1, 1, 3\]/,
    ],
    "a run of keys of another batch": [booleanMask([1, 1, 1, 1, 1, 1, 1, 1, 0], [3, 1, 1, 3]), /booleanMask: shape/],
    "another number of keys": [booleanMask([1, 1], [1, 1, 1, 2]), /booleanMask: shape/],
    "lengths of another batch": [
      lengths({ keys: [2, 2, 2] }),
      /lengths: keys: wanted 2 whole numbers from 0 to 3, got \[2, 2, 2\]/,
    ],
    "lengths beyond the keys, on the left": [lengths({ keys: [2, 4], padding: "left" }), /lengths: keys/],
  };
  it.each(Object.entries(wrong))(
    "%s, alone, in or() and for kernels that are compositions",
    (_title, [part, message]) => {
      expect(mask(part)).toThrow(message);
      expect(mask(or(part, causal()))).toThrow(message);
      expect(mask(part, linear())).toThrow(message);
    },
  );

  it("by themselves", () => {
    expect(() => booleanMask([1, 1, 0], [1, 3])).toThrow(/A mask of keys is \[batch, 1, 1, m\]/);
    expect(() => booleanMask([0, -Infinity], [1, 1, 1, 2])).toThrow(
      /values: wanted truth values.*got -Infinity.*are a bias/s,
    );
    expect(() => lengths({ keys: [1], padding: "start" as "left" })).toThrow(
      /lengths: padding: wanted "left" or "right", got "start"/,
    );
    expect(() => attention(softmax(), { q: x, k: x, v: x }, { bias: cpu.full(0, [2, 1, 2, 3]) })).toThrow(
      /bias: wanted \[2 or 1, 1 or 1, 3 or 1, 3 or 1\], got \[2, 1, 2, 3\]/,
    );
  });
});

describe("runs of keys or queries in truth values", () => {
  const sizes = { batch: 2, heads: 1, queries: 3, keys: 4 };
  const resolve = (mask: Mask, hasBias = false) => resolveMask(mask, sizes, hasBias);
  const keys = booleanMask([0, 0, 1, 1, 1, 0, 0, 0], [2, 1, 1, 4]);

  it("are as lengths, for which tiles are skipped; beside a bias they join it", () => {
    expect(resolve(keys)).toMatchObject({ lengths: [0, 3, 2, 4, 0, 3, 0, 1], dense: undefined });
    expect(resolve(booleanMask([0, 1, 1], [1, 1, 3, 1]))).toMatchObject({
      lengths: [1, 3, 0, 4, 1, 3, 0, 4],
      dense: undefined,
    });
    expect(resolve(and(keys, lengths({ keys: [3, 3], padding: "right" })))).toMatchObject({
      lengths: [0, 3, 2, 3, 0, 3, 0, 1],
    });
    expect(resolve(keys, true)).toMatchObject({ lengths: undefined, dense: { shape: [2, 1, 1, 4] } });
    for (const none of [booleanMask([1, 0, 1, 1], [1, 1, 1, 4]), booleanMask([1, 0], [2, 1, 1, 1])])
      expect(resolve(none).lengths).toBeUndefined();
  });
});

describeGpu("masks on the GPU", (gpu) => {
  async function results(
    backend: Backend,
    name: string,
    options: (bias: Tensor) => AttentionOptions,
    biasShape: readonly number[],
    moving?: readonly string[],
  ): Promise<Record<string, ArrayLike<number>>> {
    const kernel = kernels[name]();
    const { shapes, data } = inputsFor(name);
    const all: Record<string, Tensor> = {
      ...upload(backend, data, shapes),
      bias: backend.tensor(
        random(4).normals(
          biasShape.reduce((a, b) => a * b),
          0.5,
        ),
        biasShape,
      ),
    };
    const run = ({ bias, ...inputs }: Record<string, Tensor>): Tensor =>
      attention(kernel, inputs as unknown as AttentionInputs, options(bias));
    const learned = Object.fromEntries(Object.entries(all).filter(([input]) => moving?.includes(input) ?? true));
    const { gradients } = valueAndGrad((p) => weighted(run({ ...all, ...p })), learned);
    const read: Record<string, ArrayLike<number>> = { output: await run(all).read() };
    for (const [name, gradient] of Object.entries(gradients)) read[name] = await gradient.read();
    return read;
  }

  async function expectAsOnTheCpu(
    name: string,
    options: (bias: Tensor) => AttentionOptions,
    biasShape: readonly number[],
    moving?: readonly string[],
  ): Promise<void> {
    const exact = await results(cpu, name, options, biasShape, moving);
    const actual = await results(gpu(), name, options, biasShape, moving);
    for (const name of Object.keys(exact)) expectClose(actual[name], exact[name], 2 ** -16);
  }

  const everything = and(
    causal({ align: "bottom-right" }),
    slidingWindow(4),
    lengths({ queries: [7, 4], keys: [5, 9] }),
  );

  it.each(tiled)("%s: causal, and a window with lengths, a bias and a softcap", async (name) => {
    await expectAsOnTheCpu(name, () => ({ mask: causal() }), [1]);
    await expectAsOnTheCpu(name, (bias) => ({ mask: everything, bias: relativeBias(bias), softcap: 1.5 }), [
      heads,
      n + m - 1,
    ]);
    // The same programs.
    const left = and(
      causal({ align: "bottom-right" }),
      lengths({ queries: [7, 4], keys: [5, 9], padding: "left" }),
      scattered([batch, 1, 1, m]),
    );
    await expectAsOnTheCpu(name, (bias) => ({ mask: left, bias, softcap: 1.5 }), [batch, 1, 1, m]);
  });

  it.each(composed.filter(([, factory]) => kernelFeatures(factory()).mask))("%s: causal, and lengths", async (name) => {
    await expectAsOnTheCpu(name, () => ({ mask: causal() }), [1]);
    await expectAsOnTheCpu(name, () => ({ mask: padded }), [1]);
    await expectAsOnTheCpu(
      name,
      () => ({ mask: and(causal({ align: "bottom-right" }), paddedLeft, scattered([batch, 1, 1, m])) }),
      [1],
    );
  });

  it.each(Object.entries(masks))("softmax: %s", async (_title, mask) => {
    await expectAsOnTheCpu("softmax", () => ({ mask }), [1]);
  });

  // Without gradients of queries, and with lengths, the bias has a pass of its own.
  // What all keys of a query share changes no weight of softmax.
  it.each(Object.entries(biasShapes))("a bias %s, and its gradient alone", async (_title, shape) => {
    const kernel = shape.at(-1) === 1 ? "gaussian" : "softmax";
    const options = (bias: Tensor): AttentionOptions => ({
      mask: anywhere,
      bias: shape.length === 2 ? relativeBias(bias) : bias,
    });
    await expectAsOnTheCpu(kernel, options, shape);
    await expectAsOnTheCpu(kernel, options, shape, ["bias"]);
    await expectAsOnTheCpu(kernel, (bias) => ({ ...options(bias), mask: and(causal(), padded) }), shape);
  });
});

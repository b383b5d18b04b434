import { describe, expect, it } from "vitest";
import {
  and,
  attention,
  attentionWithStatistic,
  booleanMask,
  causal,
  cpu,
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
  valueAndGrad,
  type AttentionInputs,
  type AttentionKernel,
  type AttentionOptions,
  type Backend,
  type Mask,
  type Tensor,
} from "../../src/index.js";
import { resolveMask } from "../../src/kernels/resolve-mask.js";
import { upload } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";
import {
  batch,
  heads,
  n,
  m,
  anywhere,
  padded,
  paddedLeft,
  scattered,
  masks,
  biasShapes,
  tiled,
  composed,
  inputsFor,
  explicit,
  moving,
  weighted,
  expectClose,
} from "../support/masks.js";

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

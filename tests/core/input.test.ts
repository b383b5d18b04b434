import { describe, expect, it } from "vitest";
import {
  alibi,
  ArgumentError,
  attention,
  causal,
  cpu,
  decode,
  gaussian,
  gradcheck,
  indices,
  keyValueCache,
  kernels,
  NonFiniteError,
  ops,
  random,
  ShapeError,
  softmax,
  valueAndGrad,
  type Tensor,
} from "../../src/index.js";
import { adam, encoder, multiHead, splitParameters } from "../../src/nn/index.js";
import { convergenceProbability } from "../../src/theory/index.js";
import { openSafetensors } from "../../src/weights/index.js";
import { createCpu } from "../../src/cpu/backend.js";
import { float64 } from "../../src/cpu/cpu.js";

const q = cpu.full(1, [1, 2, 3, 4]);
const k = cpu.full(1, [1, 2, 5, 4]);
const v = cpu.full(1, [1, 2, 5, 6]);

describe("bad input is refused at the public edge, in words", () => {
  it.each([
    ["NaN", () => cpu.tensor([1, Number.NaN]), NonFiniteError, /data: wanted finite numbers, got NaN at index 1/],
    ["infinity", () => cpu.tensor([-Infinity]), NonFiniteError, /-Infinity at index 0/],
    ["too few numbers", () => cpu.tensor([1, 2, 3], [2, 2]), ShapeError, /wanted 4 numbers for shape \[2, 2\], got 3/],
    ["an empty tensor", () => cpu.tensor([], [0]), ShapeError, /whole extents of at least 1, got \[0\]/],
    [
      "shapes that do not broadcast",
      () => ops.add(cpu.full(1, [2]), cpu.full(1, [3])),
      ShapeError,
      /got \[2\] and \[3\]/,
    ],
    ["an inner extent that differs", () => ops.matmul(q, q), ShapeError, /matmul: wanted a \[..., rows, inner\]/],
    ["reshape to another size", () => ops.reshape(q, [5, -1]), ShapeError, /a shape of 24 elements/],
    ["axes twice", () => ops.sum(q, [1, -3]), ShapeError, /distinct axes between -4 and 3/],
    ["an order that is none", () => ops.permute(q, [0, 0, 1, 2]), ShapeError, /each of the axes 0 to 3 once/],
    [
      "keys of another width",
      () => attention(softmax(), { q, k: v, v }),
      ShapeError,
      /attention: k: wanted \[1, kvHeads, m, 4\]/,
    ],
    [
      "values of another length",
      () => attention(softmax(), { q, k, v: q }),
      ShapeError,
      /attention: v: wanted \[1, 2, 5, dv\]/,
    ],
    [
      "three axes",
      () => attention(softmax(), { q: ops.reshape(q, [2, 3, 4]), k, v }),
      ShapeError,
      /q: wanted \[batch, heads, n, d\]/,
    ],
    [
      "an unknown input",
      () => attention(softmax(), { q, k, v, gamma: q }),
      ArgumentError,
      /gamma: wanted one of the inputs of softmax/,
    ],
    [
      "a parameter of another shape",
      () => attention(gaussian(), { q, k, v, gamma: k }),
      ShapeError,
      /one number, or one for each of 2 heads/,
    ],
    ["gamma of zero", () => gaussian({ gamma: 0 }), ArgumentError, /gamma: wanted a finite number above 0, got 0/],
    ["a fraction as an index", () => indices([0.5]), ArgumentError, /whole numbers from 0/],
    [
      "an index beyond the table",
      () => ops.embedding(cpu.full(1, [2, 3]), indices([2])),
      ArgumentError,
      /indices below 2, got 2/,
    ],
    [
      "labels of another shape",
      () => ops.crossEntropy(cpu.full(1, [2, 3]), indices([1])),
      ShapeError,
      /one label for every row/,
    ],
    ["a seed that is no whole number", () => random(0.1), ArgumentError, /seed: wanted a whole number/],
    [
      "heads that do not divide the width",
      () => multiHead({ kernel: softmax(), width: 6, heads: 4 }),
      ArgumentError,
      /a divisor of the width 6/,
    ],
    ["training nothing", () => splitParameters({ a: q }, () => false), ArgumentError, /selects at least one parameter/],
    [
      "a promise out of a scope",
      () => cpu.scope(async () => q.read()),
      ArgumentError,
      /scope: body: wanted a synchronous function/,
    ],
  ] as const)("%s", (_, call, kind, message) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  it("sequences of another length than the encoder's", () => {
    const model = encoder({ kernel: softmax(), vocabulary: 4, classes: 2, tokens: 3, width: 4 });
    const parameters = model.initialize(cpu, random(1));
    expect(() => model.apply(parameters, indices([0, 1], [1, 2]))).toThrow(/input: wanted \[batch, 3\], got \[1, 2\]/);
    expect(() => adam({ learningRate: 1 }).step(parameters, {})).toThrow(/the tree of the parameters/);
  });
});

/** A call as plain JavaScript writes it. */
const loosely =
  (call: unknown, ...given: readonly unknown[]) =>
  () =>
    (call as (...given: readonly unknown[]) => unknown)(...given);
const inputs = { q, k, v };

describe("what users of other libraries write leads to the right name", () => {
  it.each([
    [
      "causal",
      loosely(attention, softmax(), inputs, { causal: true }),
      "attention: causal: wanted one of its options (mask, bias, softcap), got an unknown one. Did you mean " +
        "mask: causal()?",
    ],
    ["isCausal", loosely(attention, softmax(), inputs, { isCausal: true }), "Did you mean mask: causal()?"],
    [
      "is_causal of a composed kernel",
      loosely(attention, kernels.linear(), inputs, { is_causal: true }),
      "Did you mean mask: causal()?",
    ],
    [
      "attn_mask",
      loosely(attention, softmax(), inputs, { attn_mask: q }),
      "Did you mean mask: booleanMask(values, shape)?",
    ],
    ["softCap", loosely(attention, softmax(), inputs, { softCap: 3 }), "Did you mean softcap?"],
    ["masks", loosely(attention, softmax(), inputs, { masks: causal() }), "Did you mean mask?"],
    ["dropout", loosely(attention, softmax(), inputs, { dropout: 0.1 }), "(mask, bias, softcap), got an unknown one."],
    [
      "TOP_LEFT",
      loosely(causal, { align: "TOP_LEFT" }),
      'causal: align: wanted "top-left" or "bottom-right", got "TOP_LEFT"',
    ],
    ["lr", loosely(adam, { lr: 0.1 }), "Did you mean learningRate?"],
    [
      "nothing of what is needed",
      loosely(adam, {}),
      "adam: learningRate: wanted a finite number above 0, or a schedule, got nothing",
    ],
    ["scael", loosely(softmax, { scael: 1 }), "Did you mean scale?"],
    ["options of a kernel without any", loosely(kernels.linear, { scale: 1 }), "linear: scale: wanted no options"],
    [
      "normalize of a kernel that is normalised",
      loosely(kernels.gaussianNormalized, { normalize: false }),
      "gaussianNormalized: normalize: wanted one of its options (gamma)",
    ],
    ["num_heads", loosely(encoder, { kernel: softmax(), num_heads: 2 }), "Did you mean heads?"],
    [
      "a bias given to decode",
      () =>
        loosely(
          decode,
          keyValueCache(cpu, softmax(), { batch: 1, kvHeads: 2, capacity: 5, dim: 4, valueDim: 6 }),
          inputs,
          { bias: q },
        )(),
      "decode: bias: wanted one of its options (window, softcap, padding)",
    ],
  ] as const)("%s", (_, call, message) => {
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(message);
  });
});

describe("arguments of another kind say the way out", () => {
  const p = { x: cpu.full(1, [2]) };
  it.each([
    [
      "a loss that is a promise",
      loosely(valueAndGrad, async () => ops.sum(p.x), p),
      "got one that returns a promise. Leave await and read() out of it",
    ],
    [
      "a loss that is a number",
      loosely(valueAndGrad, () => 3, p),
      "wanted a synchronous function that returns one number as a tensor, got one that returns 3",
    ],
    ["a loss that is nothing", loosely(valueAndGrad, () => undefined, p), "got one that returns nothing"],
    ["a loss of two numbers", loosely(valueAndGrad, ({ x }: typeof p) => x, p), "Reduce it with sum() or mean()."],
    [
      "no directions",
      loosely(gradcheck, ({ x }: typeof p) => ops.sum(x), p, { directions: 0 }),
      "directions: wanted a whole number of at least 1, got 0",
    ],
    ["alibi of nothing", loosely(alibi), "alibi: slopes: wanted a tensor, got nothing"],
    ["a tensor as mask", loosely(attention, softmax(), inputs, { mask: q }), "mask: wanted a mask: causal()"],
    ["a factory as kernel", loosely(attention, softmax, inputs), "A kernel is what its factory returns: softmax()"],
    ["a path as bytes", loosely(openSafetensors, "model.safetensors"), 'got "model.safetensors". Read the file first'],
    ["bytes to come", loosely(openSafetensors, Promise.resolve(new Uint8Array(8))), "got a promise. Await it first."],
    [
      "no initialisation",
      loosely(convergenceProbability, { inputs: [], targets: [], weights: {} }),
      "initialization: wanted an object, got nothing",
    ],
    ["a tensor as number", loosely(softmax, { scale: q }), "Read its number first"],
  ] as const)("%s", async (_, call, message) => {
    const failure = await Promise.resolve()
      .then(call)
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(failure).toSatisfy((error) => error instanceof ArgumentError || error instanceof ShapeError);
    expect(String(failure)).toContain(message);
  });
});

describe("tensors of two backends are refused by the function that got them, with a way to move them", () => {
  const other = createCpu("another backend", (size) => new Float32Array(size), float64);
  const foreign = (x: Tensor): Tensor => other.full(1, x.shape);
  it.each([
    ["attention", () => attention(softmax(), { q: foreign(q), k, v })],
    ["attention", () => attention(softmax(), inputs, { bias: other.full(1, [1, 2, 3, 5]) })],
    ["attention", () => attention(gaussian(), { ...inputs, gamma: other.full(1, []) })],
    [
      "decode",
      () =>
        decode(keyValueCache(cpu, softmax(), { batch: 1, kvHeads: 2, capacity: 9, dim: 4 }), {
          q,
          k: foreign(k),
          v: cpu.full(1, k.shape),
        }),
    ],
    ["add", () => ops.add(q, foreign(q))],
    ["matmul", () => ops.matmul(k, foreign(k), { transposeB: true })],
    ["concat", () => ops.concat([q, foreign(q)], 0)],
  ] as const)("%s", (where, call) => {
    expect(call).toThrow(ArgumentError);
    expect(call).toThrow(
      new RegExp(`^${where}: wanted tensors of one backend.*Move a tensor over with await tensor\\.to`),
    );
  });
});

describe("scope", () => {
  it("disposes what was made inside but the result, and what keep() was given", () => {
    let lost = q;
    let held = q;
    const { kept } = cpu.scope(() => {
      lost = cpu.full(1, [1]);
      held = cpu.keep(cpu.full(2, [1]));
      return { kept: cpu.full(3, [1]) };
    });
    expect([lost.disposed, held.disposed, kept.disposed]).toEqual([true, false, false]);
  });
});

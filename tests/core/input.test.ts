import { describe, expect, it } from "vitest";
import {
  adam, ArgumentError, attention, cpu, encoder, gaussian, indices, multiHead, NonFiniteError, ops, random, ShapeError, softmax, split,
} from "../../src/index.js";

const q = cpu.full(1, [1, 2, 3, 4]);
const k = cpu.full(1, [1, 2, 5, 4]);
const v = cpu.full(1, [1, 2, 5, 6]);

describe("bad input is refused at the public edge, in words", () => {
  it.each([
    ["NaN", () => cpu.tensor([1, Number.NaN]), NonFiniteError, /data: wanted finite numbers, got NaN at index 1/],
    ["infinity", () => cpu.tensor([-Infinity]), NonFiniteError, /-Infinity at index 0/],
    ["too few numbers", () => cpu.tensor([1, 2, 3], [2, 2]), ShapeError, /wanted 4 numbers for shape \[2, 2\], got 3/],
    ["an empty tensor", () => cpu.tensor([], [0]), ShapeError, /whole extents of at least 1, got \[0\]/],
    ["shapes that do not broadcast", () => ops.add(cpu.full(1, [2]), cpu.full(1, [3])), ShapeError, /got \[2\] and \[3\]/],
    ["an inner extent that differs", () => ops.matmul(q, q), ShapeError, /matmul: wanted a \[..., rows, inner\]/],
    ["reshape to another size", () => ops.reshape(q, [5, -1]), ShapeError, /a shape of 24 elements/],
    ["axes twice", () => ops.sum(q, [1, -3]), ShapeError, /distinct axes between -4 and 3/],
    ["an order that is none", () => ops.permute(q, [0, 0, 1, 2]), ShapeError, /each of the axes 0 to 3 once/],
    ["keys of another width", () => attention(softmax(), { q, k: v, v }), ShapeError, /attention: k: wanted \[1, kvHeads, m, 4\]/],
    ["values of another length", () => attention(softmax(), { q, k, v: q }), ShapeError, /attention: v: wanted \[1, 2, 5, dv\]/],
    ["three axes", () => attention(softmax(), { q: ops.reshape(q, [2, 3, 4]), k, v }), ShapeError, /q: wanted \[batch, heads, n, d\]/],
    ["an unknown input", () => attention(softmax(), { q, k, v, gamma: q }), ArgumentError, /gamma: wanted one of the inputs of softmax/],
    ["a parameter of another shape", () => attention(gaussian(), { q, k, v, gamma: k }), ShapeError, /one number, or one for each of 2 heads/],
    ["gamma of zero", () => gaussian({ gamma: 0 }), ArgumentError, /gamma: wanted a finite number above 0, got 0/],
    ["a fraction as an index", () => indices([0.5]), ArgumentError, /whole numbers from 0/],
    ["an index beyond the table", () => ops.embedding(cpu.full(1, [2, 3]), indices([2])), ArgumentError, /indices below 2, got 2/],
    ["labels of another shape", () => ops.crossEntropy(cpu.full(1, [2, 3]), indices([1])), ShapeError, /one label for every row/],
    ["a seed that is no whole number", () => random(0.1), ArgumentError, /seed: wanted a whole number/],
    ["heads that do not divide the width", () => multiHead({ kernel: softmax(), width: 6, heads: 4 }), ArgumentError, /a divisor of the width 6/],
    ["training nothing", () => split({ a: q }, () => false), ArgumentError, /chooses at least one parameter/],
    ["a promise out of a scope", () => cpu.scope(async () => q.read()), ArgumentError, /scope: body: wanted a synchronous function/],
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

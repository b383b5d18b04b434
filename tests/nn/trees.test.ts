import { describe, expect, it } from "vitest";
import { ArgumentError, cpu, NonFiniteError, ops, random, ShapeError, softmax, type Backend } from "../../src/index.js";
import {
  cloneTree,
  countParameters,
  decoder,
  disposeTree,
  gradientDescent,
  loadStateDict,
  mapTree,
  stateDict,
  trainStep,
} from "../../src/nn/index.js";
import { encodeSafetensors, openSafetensors } from "../../src/weights/index.js";
import { tensorsIn } from "../../src/core/tensor.js";
import { describeGpu } from "../support/gpu.js";

const model = decoder({ kernel: softmax(), vocabulary: 5, tokens: 4, width: 4, hidden: 6, layers: 1, bias: true });
const numbersOf = async (tree: Parameters<typeof stateDict>[0]) =>
  Object.fromEntries(Object.entries(await stateDict(tree)).map(([name, { data }]) => [name, Array.from(data)]));

function hold(backend: () => Backend): void {
  it("goes through a safetensors file and back", async () => {
    const parameters = model.initialize(backend(), random(1));
    const before = await numbersOf(parameters);
    expect(Object.keys(before)).toContain("layers.0.attention.queryBias");
    const bytes = encodeSafetensors(await stateDict(parameters));
    const other = model.initialize(backend(), random(2));
    expect(await numbersOf(other)).not.toEqual(before);
    expect(await loadStateDict(other, await openSafetensors(bytes))).toEqual({ missing: [], unknown: [] });
    expect(await numbersOf(other)).toEqual(before);
  });

  it("keeps a clone as it was, whatever an optimiser does", async () => {
    const parameters = { w: backend().tensor([1, 2]) };
    const best = cloneTree(parameters);
    await trainStep(gradientDescent({ stepSize: 0.5 }), parameters, ({ w }) => ops.sum(ops.square(w)));
    expect(Array.from(await parameters.w.read())).toEqual([0, 0]);
    expect(Array.from(await best.w.read())).toEqual([1, 2]);
    disposeTree(parameters);
    expect(Array.from(await best.w.read())).toEqual([1, 2]);
    disposeTree(best);
    await expect(best.w.read()).rejects.toThrow(ArgumentError);
  });
}

describe("a tree, cpu", () => hold(() => cpu));
describeGpu("a tree, gpu", (gpu) => {
  hold(gpu);

  it("has a training step that leaves nothing behind, awaited or not", async () => {
    const parameters = { w: gpu().tensor([3]) };
    const optimizer = gradientDescent({ stepSize: 0.25 });
    const loss = ({ w }: typeof parameters) => ops.square(ops.multiply(w, ops.add(w, 0)));
    await trainStep(optimizer, parameters, ({ w }) => ops.square(w));
    const before = gpu().memory.used;
    const losses = Array.from({ length: 5 }, () => trainStep(optimizer, parameters, ({ w }) => ops.square(w)));
    expect(await Promise.all(losses)).toEqual([0, 1, 2, 3, 4].map((step) => 2.25 / 4 ** step));
    expect(gpu().memory.used).toBe(before);
    await expect(async () =>
      trainStep(optimizer, parameters, (p) => ops.concat([loss(p), loss(p)], 0)),
    ).rejects.toThrow(ShapeError);
    expect(gpu().memory.used).toBe(before);
    disposeTree(parameters);
  });
});

describe("a tree", () => {
  const parameters = model.initialize(cpu, random(1));

  it("is counted, a tensor under two names once", () => {
    const perLayer = 4 * (4 * 4 + 4) + 2 * (2 * 4) + (4 * 6 + 6) + (6 * 4 + 4);
    expect(countParameters(parameters)).toBe(5 * 4 + 4 * 4 + perLayer + 8 + (4 * 5 + 5));
    const { embedding } = parameters;
    expect(countParameters({ embedding, head: { embedding } })).toBe(20);
  });

  it("is mapped with its names", async () => {
    const names: string[] = [];
    const doubled = mapTree(parameters, (tensor, name) => (names.push(name), ops.multiply(tensor, 2)));
    expect(names).toEqual(Object.keys(await stateDict(parameters)));
    expect(await doubled.head.weight.read()).toEqual((await parameters.head.weight.read()).map((x) => 2 * x));
    expect(tensorsIn(doubled)).toHaveLength(names.length);
  });

  it("refuses states that do not fit, and changes nothing then", async () => {
    const own = { a: cpu.tensor([1, 2]), b: { c: cpu.tensor([3]) } };
    const state = { a: { shape: [2], data: [5, 6] }, "b.c": { shape: [1], data: [7] } };
    const load = (change: object, options = {}) => loadStateDict(own, { ...state, ...change }, options);
    await expect(loadStateDict(own, { a: state.a })).rejects.toThrow(/source: wanted the 2 names .*, got none of b\.c/);
    await expect(load({ d: state.a })).rejects.toThrow(/got also d\. Pass \{ strict: false \}/);
    await expect(load({ "b.c": { shape: [1, 1], data: [7] } })).rejects.toThrow(ShapeError);
    await expect(load({ "b.c": { shape: [1], data: [NaN] } })).rejects.toThrow(NonFiniteError);
    await expect(load({ "b.c": { shape: [1], data: [1, 2] } })).rejects.toThrow(ShapeError);
    expect(await numbersOf(own)).toEqual({ a: [1, 2], "b.c": [3] });
    const partial = { a: state.a, d: state.a };
    expect(await loadStateDict(own, partial, { strict: false })).toEqual({ missing: ["b.c"], unknown: ["d"] });
    expect(await numbersOf(own)).toEqual({ a: [5, 6], "b.c": [3] });
  });
});

import { describe, expect, it } from "vitest";
import { cpu, gaussian, kernels, ops, softmax, symmetric, valueAndGrad } from "../../src/index.js";
import { adam, countParameters, trainStep, type TransformerModel } from "../../src/nn/index.js";
import { inputOf, load, numbersOf, run } from "../support/loaded.js";
import { decoders } from "../support/stored-models/decoders.js";
import { storedModels } from "../support/stored-models/index.js";

describe("another kernel", () => {
  const [bert, llama] = [storedModels[0], decoders[1]] as const;

  it("changes what the model computes, in the chosen layers, and leaves the original as it was", async () => {
    const model = await load(cpu, bert);
    const before = await run(model, cpu, bert).read();
    const same = model.withKernel(softmax());
    const some = model.withKernel(gaussian({ normalize: true }), { layers: [1], learn: ["gamma"] });
    const all = model.withKernel(gaussian({ normalize: true }));
    const results = await Promise.all([same, some, all].map((own) => run(own, cpu, bert).read()));
    expect(results[0]).toEqual(before);
    expect(results[1]).not.toEqual(before);
    expect(results[2]).not.toEqual(results[1]);
    expect(some.kernels.map(({ name }) => name)).toEqual(["softmax", "gaussian (row-normalised)"]);
    const learned = (own: TransformerModel): number => countParameters(own.parameters);
    expect(learned(some) - learned(model)).toBe(2);
    await trainStep(adam({ learningRate: 0.1 }), all.parameters, (p) => ops.mean(all.apply(p, inputOf(cpu, bert))));
    expect(await run(model, cpu, bert).read()).toEqual(before);
  });

  it.each(Object.entries(kernels))("%s takes the weights, and learns", async (name, factory) => {
    const kernel = factory();
    const stored = kernel.projections === undefined || kernel.projections === "separate" ? llama : storedModels[0];
    const model = await load(cpu, stored);
    if (stored === llama && kernel.inputs?.some(({ betweenLayers }) => betweenLayers !== undefined) === true) {
      expect(() => model.withKernel(kernel)).toThrow(/elliptical\(\{ causal: true \}\)/);
      return;
    }
    const changed = model.withKernel(kernel, { tokens: 5 });
    const input = inputOf(cpu, stored);
    const { value, gradients } = valueAndGrad((p) => ops.mean(ops.square(changed.apply(p, input))), changed.parameters);
    expect(Number.isFinite((await value.read())[0]), name).toBe(true);
    expect((await numbersOf(gradients)).some((number) => number !== 0)).toBe(true);
  });

  it("names what an earlier change left out", async () => {
    const shared = (await load(cpu, bert)).withKernel(symmetric());
    expect(() => shared.withKernel(softmax())).toThrow(/no key projection/);
    expect(() => shared.withKernel(symmetric(), { layers: [2] })).toThrow(/layers: wanted numbers from 0 to 1, got 2/);
  });
});

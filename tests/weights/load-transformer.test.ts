import { describe, expect, it } from "vitest";
import { cpu, gaussian, indices, ops, random, softmax, type Backend } from "../../src/index.js";
import {
  adam,
  decoder,
  encoder,
  stateDict,
  trainStep,
  type Encoder,
  type EncoderParameters,
  type TransformerModel,
} from "../../src/nn/index.js";
import { encodeSafetensors, loadTransformer, openSafetensors } from "../../src/weights/index.js";
import { describeGpu } from "../support/gpu.js";
import { inputOf, load, numbersOf, run } from "../support/loaded.js";
import { OnnxGraph } from "../support/onnx-graph.js";
import { decoders } from "../support/stored-models/decoders.js";
import { storedModels } from "../support/stored-models/index.js";

function agree(backend: () => Backend): void {
  it.each(storedModels)("$title gives what onnxruntime gives", async (stored) => {
    const graph = new OnnxGraph(stored.weights);
    const wanted = await graph.run(stored.graph(graph));
    const model = await load(backend(), stored);
    expect(model.head).toBe(stored.head);
    const got = await run(model, backend(), stored).read();
    expect(got.length).toBe(wanted.length);
    expect(Math.max(...wanted.map(Math.abs))).toBeGreaterThan(0.3);
    got.forEach((value, at) => expect(Math.abs(value - wanted[at])).toBeLessThan(1e-4));
  });
}

/** The likeliest continuation, by a whole pass for every token. */
async function likeliest(model: TransformerModel, prompt: readonly number[], count: number): Promise<number[]> {
  const ids = [...prompt];
  while (ids.length < prompt.length + count) {
    const logits = await model.apply(model.parameters, indices(ids, [1, ids.length])).read();
    const last = Array.from(logits.slice(-(logits.length / ids.length)));
    ids.push(last.indexOf(Math.max(...last)));
  }
  return ids.slice(prompt.length);
}

function write(backend: () => Backend): void {
  it.each(decoders)("$title continues with a cache as whole passes do", async (stored) => {
    const model = await load(backend(), stored);
    for (const own of [model, model.withKernel(gaussian({ normalize: true }))]) {
      const made: number[] = [];
      for await (const id of own.generate(own.parameters, [1, 2, 3], { temperature: 0, count: 4 })) made.push(id);
      expect(made).toEqual(await likeliest(own, [1, 2, 3], 4));
    }
  });
}

describe("cpu", () => {
  agree(() => cpu);
  write(() => cpu);

  it.each(storedModels)("$title, trained here and stored in its layout, is read as it was", async (stored) => {
    const model = await load(cpu, stored);
    const optimizer = adam({ learningRate: 0.05 });
    for (let step = 0; step < 3; step++) {
      await trainStep(optimizer, model.parameters, (p) => ops.mean(ops.square(model.apply(p, inputOf(cpu, stored)))));
    }
    const file = await openSafetensors(encodeSafetensors(await model.store(model.parameters)));
    for (const name of file.tensors.keys()) expect(file.tensors.get(name)!.shape).toEqual(stored.weights[name].shape);
    const again = await loadTransformer(cpu, file, stored.config);
    expect(await numbersOf(again.parameters)).toEqual(await numbersOf(model.parameters));
    const [before, trained] = [
      await run(await load(cpu, stored), cpu, stored).read(),
      await run(again, cpu, stored).read(),
    ];
    expect(trained).toEqual(await run(model, cpu, stored).read());
    expect(trained).not.toEqual(before);
  });
});
describeGpu("gpu", (gpu) => {
  agree(gpu);
  write(gpu);
});

describe("a model of this library", () => {
  const sizes = { kernel: softmax(), vocabulary: 7, tokens: 5, width: 8, hidden: 12, heads: 2, layers: 2 };
  const ids = indices([1, 2, 3, 4, 5, 6, 0, 1, 2, 3], [2, 5]);

  it.each(["pre", "post"] as const)("is read, and computes the same (norm %s)", async (norm) => {
    for (const own of [encoder({ ...sizes, norm, bias: true, classes: 3 }), decoder({ ...sizes, norm })]) {
      const parameters = own.initialize(cpu, random(1));
      const file = await openSafetensors(encodeSafetensors(await stateDict(parameters)));
      const model = await loadTransformer(cpu, file, { heads: 2, norm });
      const wanted = await (own as Encoder).apply(parameters as EncoderParameters, ids).read();
      expect(await model.apply(model.parameters, ids).read()).toEqual(wanted);
    }
  });

  it("reads feature vectors", async () => {
    const own = encoder({ ...sizes, classes: 3 });
    const parameters = own.initialize(cpu, random(1));
    const file = await openSafetensors(encodeSafetensors(await stateDict(parameters)));
    const model = await loadTransformer(cpu, file, { heads: 2, norm: "pre" });
    const x = cpu.tensor(random(2).normals(70), [2, 5, 7]);
    expect(await model.apply(model.parameters, x).read()).toEqual(await own.apply(parameters, x).read());
  });
});

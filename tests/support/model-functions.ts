import * as library from "../../src/standalone.js";
import { example, type Example } from "./example.js";

const { cpu, random, softmax } = library;
const x = cpu.tensor([1, 2, 3, 4], [2, 2]);
const unary = example(() => [x]);

const own = library.encoder({ kernel: softmax(), vocabulary: 3, classes: 2, tokens: 2, width: 4, heads: 1 });
const file = await library.openSafetensors(
  library.encodeSafetensors(await library.stateDict(own.initialize(cpu, random(1)))),
);
const ids = library.indices([0, 1], [1, 2]);
const model = await library.loadTransformer(cpu, file, { heads: 1, norm: "pre" });
const maps = await library.headMaps(model, model.parameters, [{ input: ids }]);

/** The public functions for stored models and their layers. */
export const modelExamples: Readonly<Record<string, Example>> = {
  geluExact: unary,
  freezeHeads: example(() => [maps, () => true, [2]]),
  headMaps: example(() => [model, model.parameters, [{ input: ids }]]),
  loadTransformer: example(() => [cpu, file, { heads: 1, norm: "pre" }]),
  multiHead: example(
    () => [
      {
        kernel: softmax(),
        width: 4,
        heads: 2,
        kvHeads: 1,
        dim: 2,
        contextWidth: 4,
        tokens: 2,
        contextTokens: 2,
        learn: ["scale"],
      },
    ],
    0,
  ),
  rmsNorm: example(() => [x, { scale: cpu.full(1, [2]), epsilon: 1e-6 }], 1),
  rotary: example(() => [x, { theta: 100, frequencies: [1], start: 1 }], 1),
  silu: unary,
};

import * as library from "../../src/analysis/index.js";
import { cpu, indices, random, softmax } from "../../src/index.js";
import { encoder } from "../../src/nn/index.js";
import { example, type Example } from "./example.js";

const model = encoder({
  kernel: softmax(),
  vocabulary: 3,
  classes: 2,
  tokens: 2,
  width: 4,
  hidden: 4,
  heads: 1,
  layers: 1,
});
const parameters = model.initialize(cpu, random(1));
const probe = indices([0, 1], [1, 2]);
const monitor = library.observeTraining(model, { probe });
const matrix = [
  [1, 2],
  [3, 4],
];
const head = library.dissectHead(matrix, matrix);

const center = await library.readVector(parameters);

/** Every public function of analysis. */
export const analysisExamples: Readonly<Record<string, Example>> = {
  cosineNoise: example(() => [4]),
  dissectHead: example(() => [matrix, matrix]),
  filterNormalizedDirection: example(() => [parameters, center, random(1)]),
  lossSurface: example(
    () => [() => cpu.full(0, [1]), parameters, { center, directions: [center, center], x: [0], y: [0] }],
    2,
  ),
  principalDirections: example(() => [[center, center.map((x) => x ** 2), center.map((x) => x ** 3)]]),
  readVector: example(() => [parameters]),
  roughness: example(() => [[1, 2, 1], 0.5]),
  meanCosineNoise: example(() => [4, 0.5]),
  modeMap: example(() => [head, 0, matrix]),
  observeTraining: example(
    () => [
      model,
      {
        probe,
        call: {},
        every: 2,
        loss: () => cpu.full(0, [1]),
        ignore: ["frozen"],
        records: [],
      },
    ],
    1,
  ),
  summarizeCosines: example(() => [[head]]),
  trainingWarnings: example(() => [[]]),
  "monitor.step": {
    call: monitor.step.bind(monitor),
    given: () => [
      {
        step: 1,
        parameters: parameters,
        gradients: parameters,
        loss: 1,
        previous: parameters,
      },
    ],
    options: 0,
  },
  "monitor.isDue": { call: monitor.isDue.bind(monitor), given: () => [1] },
};

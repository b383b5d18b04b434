import { expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { disposeTree } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { encoder } from "../../src/nn/encoder.js";
import { monitorBlocks } from "../../src/studies/comparison/monitor.js";
import { drawFigure } from "../../src/studies/report/html.js";
import { fromJson, toJson } from "../../src/studies/runner/results.js";
import { trainClassifier, type EpochResult } from "../../src/studies/training/classifier.js";
import type { Training, TrainingState } from "../../src/studies/training/train.js";
import { examples, TOKENS } from "../support/examples.js";
import { workOn } from "../support/study.js";

const shape = { vocabulary: 6, classes: 2, tokens: TOKENS, width: 8, hidden: 8, heads: 2, layers: 2 };
/** Trains from a state, and gives every state on the way. */
async function train(
  monitor: number,
  state?: TrainingState<EpochResult>,
  kernel = gaussian(),
): Promise<{ readonly training: Training<EpochResult>; readonly states: readonly TrainingState<EpochResult>[] }> {
  const model = encoder({ kernel, ...shape });
  const parameters = model.initialize(cpu, random(1));
  const states: TrainingState<EpochResult>[] = [];
  const work = {
    ...workOn<TrainingState<EpochResult>>(cpu),
    state,
    isDue: () => true,
    store(made: TrainingState<EpochResult>) {
      states.push(structuredClone(made));
      return Promise.resolve();
    },
  };
  const options = {
    label: "a training",
    batch: 5,
    epochs: 3,
    learningRate: 0.01,
    monitor,
    seed: 2,
    measured: () => Promise.resolve(),
  };
  try {
    return {
      training: await trainClassifier(model, parameters, { train: examples, test: examples }, options, work),
      states,
    };
  } finally {
    disposeTree(parameters);
  }
}

const numbers = ({ losses, epochs }: Training<EpochResult>): unknown => [
  losses,
  epochs.map(({ trainLoss, testLoss, testAccuracy }) => [trainLoss, testLoss, testAccuracy]),
];

it("a monitor leaves a training as it is, and a resumed one sees what an uninterrupted one saw", async () => {
  const [{ training, states }, without] = [await train(3), await train(0)];
  expect(numbers(training)).toEqual(numbers(without.training));
  expect(without.training.watched).toEqual([]);
  expect(training.watched.map(({ step }) => step)).toEqual([1, 3, 6, 9, 12]);
  for (const { update, gradient, loss } of training.watched)
    for (const measure of [update, gradient, loss]) expect(measure).toBeGreaterThan(0);
  for (const state of states.filter(({ losses }) => [2, 8].includes(losses.length))) {
    const resumed = await train(3, state);
    expect(numbers(resumed.training)).toEqual(numbers(training));
    expect(resumed.training.watched).toEqual(training.watched);
  }
});

it("a report shows layers, entropies and warnings, from stored records too", async () => {
  const runs = [
    { kernel: "gaussian", seed: 1, watched: (await train(3)).training.watched },
    { kernel: "sharp", seed: 1, watched: (await train(3, undefined, gaussian({ gamma: 500 }))).training.watched },
  ];
  const blocks = monitorBlocks(runs);
  const figures = blocks.flatMap((block) => (block.kind === "figure" ? [block] : []));
  expect(figures.map(({ name }) => name)).toEqual(["monitor-entropy"]);
  expect(drawFigure(figures[0])).not.toMatch(/NaN|undefined|Infinity/);
  const tables = blocks.flatMap((block) => (block.kind === "table" ? [block] : []));
  expect(tables.map(({ title }) => title)).toEqual(["Layers at the monitor's last look", "Warnings of the monitor"]);
  expect(tables[0].rows.map(([kernel, layer]) => `${kernel} ${layer}`)).toEqual([
    "gaussian 1",
    "gaussian 2",
    "sharp 1",
    "sharp 2",
  ]);
  expect(tables[1].rows.map(([kernel]) => kernel)).not.toContain("gaussian");
  expect(tables[1].rows[0][2]).toMatch(
    /^Layer 1, head 1: \d+ % of its weights are below float32's smallest since step 1/,
  );
  expect(monitorBlocks(fromJson(toJson(runs)) as typeof runs)).toEqual(blocks);
  expect(monitorBlocks(runs.slice(0, 1)).at(-1)).toEqual({
    kind: "paragraph",
    text: "The monitor raised no warning; trainings watched: 1.",
  });
  expect(monitorBlocks([{ kernel: "earlier", seed: 1 }])).toEqual([]);
});

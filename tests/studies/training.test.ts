import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { disposeTree, type Backend } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { encoder } from "../../src/nn/encoder.js";
import { trainClassifier, type EpochResult, type TrainOptions } from "../../src/studies/training/classifier.js";
import { snapshotsOf } from "../../src/studies/runner/snapshot.js";
import { taskKeeper, type Kept } from "../../src/studies/runner/tasks.js";
import type { TrainingState } from "../../src/studies/training/train.js";
import { describeGpu } from "../support/gpu.js";
import { examples, TOKENS } from "../support/examples.js";
import { workOn } from "../support/study.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "training-"));
});
afterEach(() => rm(out, { recursive: true }));

const model = encoder({
  kernel: gaussian(),
  vocabulary: 6,
  classes: 2,
  tokens: TOKENS,
  width: 8,
  hidden: 8,
  heads: 2,
  layers: 1,
});
/** Passes of the model through `train`: one for each batch, and one for the evaluation after each epoch. */
let passes = 0;
const counted: typeof model = {
  ...model,
  apply(parameters, input) {
    passes++;
    return model.apply(parameters, input);
  },
};
/** Passes that the last stored state makes unnecessary. */
let stored = 0;

/**
 * Trains as a task that is interrupted after some stores, or continues to its end; returns its measurements without
 * times, and the weights.
 */
async function train(
  backend: Backend,
  stores: number,
  rule: Pick<TrainOptions, "learningRate" | "optimizer"> = { learningRate: 0.05 },
) {
  let left = stores;
  const work = async (kept: Kept<TrainingState<EpochResult>>) => {
    const parameters = model.initialize(backend, random(1));
    const cutOff = {
      ...workOn(backend),
      ...kept,
      async store(state: TrainingState<EpochResult>) {
        await kept.store(state);
        stored = state.losses.length + state.epochs.length;
        if (--left === 0) throw new Error("killed");
      },
    };
    const options = { label: "test", batch: 6, epochs: 3, ...rule, seed: 2, measured: () => Promise.resolve() };
    try {
      const { epochs, losses } = await trainClassifier(
        counted,
        parameters,
        { train: examples, test: examples },
        options,
        cutOff,
      );
      return {
        losses,
        epochs: epochs.map((epoch) => ({ ...epoch, seconds: 0 })),
        parameters: await snapshotsOf(parameters),
      };
    } finally {
      disposeTree(parameters);
    }
  };
  return taskKeeper({ out, common: "test", note: () => undefined }, { interval: 0 }).keep(
    { name: "training", depends: 0 },
    work,
  );
}

/** Stores after each of three batches, and after each of three epochs. */
const STORES = 12;

/** Checks that a resumed training repeats no stored step; `all` are the passes of an uninterrupted training. */
async function goesOn(all: number, ...[backend, rule]: [Backend, Parameters<typeof train>[2]?]) {
  expect(stored).toBeGreaterThan(0);
  const rest = all - stored;
  passes = 0;
  const measured = await train(backend, Infinity, rule);
  expect(passes, `after ${stored} passes`).toBe(rest);
  return measured;
}

async function resumesAfter(
  backend: Backend,
  stores: readonly number[],
  rule?: Parameters<typeof train>[2],
): Promise<void> {
  passes = 0;
  const whole = await train(backend, Infinity, rule);
  expect(whole!.losses).toHaveLength(9);
  expect(passes).toBe(STORES);
  for (const count of stores) {
    await rm(out, { recursive: true });
    await expect(train(backend, count, rule)).rejects.toThrow("killed");
    expect(await goesOn(STORES, backend, rule), `cut off after store ${count}`).toEqual(whole);
  }
}

it("resumes bit for bit from every store", async () => {
  await resumesAfter(
    cpu,
    Array.from({ length: STORES }, (_, store) => store + 1),
  );
  await rm(out, { recursive: true });
  await expect(train(cpu, STORES)).rejects.toThrow("killed");
});

it("resumes with the velocities of gradient descent with momentum", () =>
  resumesAfter(cpu, [2, 8], { learningRate: 0.1, optimizer: "sgd" }));

it("diverges again from the last finite weights", async () => {
  const diverging = { learningRate: 1e200 };
  const whole = await train(cpu, Infinity, diverging);
  expect(whole!.losses.some(Number.isNaN)).toBe(true);
  await rm(out, { recursive: true });
  await expect(train(cpu, 1, diverging)).rejects.toThrow("killed");
  expect(await goesOn(STORES, cpu, diverging)).toEqual(whole);
});

describeGpu("a training on the GPU", (gpu) => {
  it("resumes bit for bit", () => resumesAfter(gpu(), [2, 8]));
});

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { cpu, indices, ops, random, softmax, valueAndGrad, type Backend, type Gpu } from "../../src/index.js";
import { adam, encoder } from "../../src/nn/index.js";
import { drawn, seed, sized } from "../support/attack.js";
import { describeGpu } from "../support/gpu.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const STEPS = sized(200, 5000);
/**
 * Caches and the engine's own bookkeeping; a tensor that stays behind every step takes more in a tenth of the steps.
 */
const ALLOWED = 1.1;
const [BATCH, TOKENS, VOCABULARY] = [4, 6, 30];

/** Memory in bytes: of the engine's numbers and objects, and of the device. */
async function memoryOf(backend: Backend): Promise<{ readonly process: number; readonly device: number }> {
  for (let turn = 0; turn < 3; turn++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { process: heapUsed + arrayBuffers, device: "memory" in backend ? (backend as Gpu).memory.allocated : 0 };
}

/** Trains; memory after a tenth of the steps must be that at the end, and the loss must fall. */
async function soak(backend: Backend): Promise<void> {
  const model = encoder({
    kernel: softmax(),
    vocabulary: VOCABULARY,
    classes: 2,
    tokens: TOKENS,
    width: 8,
    hidden: 16,
    layers: 1,
  });
  const parameters = model.initialize(backend, random(seed));
  const optimizer = adam({ learningRate: 3e-3 });
  const stream = drawn("soak");
  let early = { process: 0, device: 0 };
  let [first, last] = [0, 0];
  for (let step = 1; step <= STEPS; step++) {
    const ids = indices(
      Array.from({ length: BATCH * TOKENS }, () => stream.integer(VOCABULARY)),
      [BATCH, TOKENS],
    );
    const labels = indices(Array.from({ length: BATCH }, (_, row) => ids.values[row * TOKENS] % 2));
    const loss = backend.scope(() => {
      const { value, gradients } = valueAndGrad((p) => ops.crossEntropy(model.apply(p, ids), labels), parameters);
      optimizer.step(parameters, gradients);
      return value;
    });
    const [number] = await loss.read();
    expect(Number.isFinite(number)).toBe(true);
    if (step <= STEPS / 10) first += number;
    if (step > STEPS - STEPS / 10) last += number;
    loss.dispose();
    if (step === STEPS / 10) early = await memoryOf(backend);
  }
  const late = await memoryOf(backend);
  expect(late.device).toBe(early.device);
  expect(late.process).toBeLessThanOrEqual(ALLOWED * early.process);
  if (STEPS >= 1000) expect(last).toBeLessThan(first / 2);
  optimizer.dispose();
}

describe("a long training", () => {
  it("takes no more memory at its end, on the CPU", () => soak(cpu));
});

describeGpu("a long training", (gpu) => {
  it("takes no more memory at its end, on the GPU", () => soak(gpu()));
});

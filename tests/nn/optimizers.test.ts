import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/core/errors.js";
import { random } from "../../src/core/random.js";
import type { Backend } from "../../src/core/tensor.js";
import { cpu } from "../../src/cpu/cpu.js";
import { adam, gradientDescent, sgd } from "../../src/nn/optimizers.js";
import { restoreTree, snapshotsOf, tensorsOf } from "../../src/studies/runner/snapshot.js";
import { describeGpu } from "../support/gpu.js";

const optimizers = {
  adam: () => adam({ learningRate: 0.1 }),
  sgd: () => sgd({ learningRate: 0.1 }),
  gradientDescent: () => gradientDescent({ stepSize: 0.1 }),
};

const draw = (backend: Backend, seed: number) => {
  const source = random(seed);
  return { a: backend.tensor(source.normals(6), [2, 3]), b: [backend.tensor(source.normals(4))] };
};

async function resumes(backend: Backend, make: () => ReturnType<typeof adam>): Promise<void> {
  const parameters = draw(backend, 1);
  const optimizer = make();
  for (let step = 2; step < 5; step++) optimizer.step(parameters, draw(backend, step));
  const kept = { parameters: await snapshotsOf(parameters), optimizer: await snapshotsOf(optimizer.state(parameters)) };
  const resumed = draw(backend, 99);
  const second = make();
  restoreTree(resumed, kept.parameters);
  second.restore(resumed, tensorsOf(kept.optimizer, backend) as ReturnType<typeof optimizer.state>);
  for (let step = 5; step < 8; step++) {
    optimizer.step(parameters, draw(backend, step));
    second.step(resumed, draw(backend, step));
  }
  expect(await snapshotsOf(resumed)).toEqual(await snapshotsOf(parameters));
  expect(await snapshotsOf(second.state(resumed))).toEqual(await snapshotsOf(optimizer.state(parameters)));
}

describe.each(Object.entries(optimizers))("%s", (_, make) => {
  it("goes on from its state bit for bit", () => resumes(cpu, make));
});

describeGpu("adam on the GPU", (gpu) => {
  it("goes on from its state bit for bit", () => resumes(gpu(), optimizers.adam));
});

it("refuses the state of another optimiser", () => {
  const parameters = draw(cpu, 1);
  const other = sgd({ learningRate: 0.1 });
  other.step(parameters, draw(cpu, 2));
  expect(() => adam({ learningRate: 0.1 }).restore(parameters, other.state(parameters))).toThrow(ShapeError);
});

import { describe, expect, it } from "vitest";
import { cpu, ops, valueAndGrad, type Backend, type Tensor } from "../../src/index.js";
import { cases, inputsOf, upload, type Case } from "../support/cases.js";
import { describeGpu } from "../support/gpu.js";

type Inputs = Record<string, Tensor>;

/** The first number of an input moved by `step`; by 0/0, made on the device, where there is none. */
function changed(inputs: Inputs, name: string, step?: number): Inputs {
  const x = inputs[name];
  const first = (value: number): Tensor =>
    x.backend.tensor(
      Float32Array.from({ length: x.size }, (_, index) => (index === 0 ? value : 0)),
      x.shape,
    );
  const nan = (): Tensor => ops.divide(first(0), ops.add(ops.multiply(first(1), -1), 1));
  return { ...inputs, [name]: ops.add(x, step === undefined ? nan() : first(step)) };
}

async function outputAndGradients(testCase: Case, inputs: Inputs): Promise<number[][]> {
  const output = testCase.run(inputs);
  const { gradients } = valueAndGrad((all: Inputs) => ops.sum(ops.square(testCase.run(all))), inputs);
  return Promise.all([output, ...Object.values(gradients)].map(async (tensor) => Array.from(await tensor.read())));
}

function holdNaN(backend: () => Backend): void {
  it.each(cases)("$name: NaN arrives wherever a number matters", async (testCase) => {
    const inputs = upload(backend(), inputsOf(testCase), testCase.shapes);
    const before = await outputAndGradients(testCase, inputs);
    for (const name of Object.keys(inputs)) {
      const moved = await outputAndGradients(testCase, changed(inputs, name, 40));
      const spoilt = await outputAndGradients(testCase, changed(inputs, name));
      const matters = moved[0].some((value, index) => value !== before[0][index]);
      expect(spoilt[0].some(Number.isNaN), `some output of ${name}`).toBe(matters);
      spoilt.forEach((values, which) =>
        values.forEach((value, index) => {
          if (moved[which][index] !== before[which][index])
            expect(value, `${which === 0 ? "output" : `gradient ${which}`} at ${index}, by ${name}`).toBeNaN();
        }),
      );
    }
  });

  it("functions without a gradient hand NaN on; equal tells it apart", async () => {
    const zero = backend().tensor([0, 1]);
    const x = ops.divide(zero, zero);
    expect(Array.from(await ops.sign(x).read())).toEqual([NaN, 1]);
    expect(Array.from(await ops.equal(x, x).read())).toEqual([0, 1]);
    expect(Array.from(await ops.divide(ops.add(zero, 1), zero).read())).toEqual([Infinity, 2]);
  });

  it("exp, log, sqrt, sigmoid and tanh have their limits", async () => {
    const one = backend().tensor([1, -1, 0, 0]);
    const edges = ops.divide(one, backend().tensor([0, 0, 1, 0])); // infinity, -infinity, 0, NaN
    const at = async (f: (x: Tensor) => Tensor): Promise<number[]> => Array.from(await f(edges).read());
    expect(await at(ops.exp)).toEqual([Infinity, 0, 1, NaN]);
    expect(await at(ops.log)).toEqual([Infinity, NaN, -Infinity, NaN]);
    expect(await at(ops.sqrt)).toEqual([Infinity, NaN, 0, NaN]);
    expect(await at(ops.sigmoid)).toEqual([1, 0, 0.5, NaN]);
    expect(await at(ops.tanh)).toEqual([1, -1, 0, NaN]);
    expect(Array.from(await ops.exp(backend().tensor([1000, -1000])).read())).toEqual([Infinity, 0]);
  });
}

describe("NaN in operations, cpu", () => holdNaN(() => cpu));
describeGpu("NaN in operations, gpu", (gpu) => holdNaN(gpu));

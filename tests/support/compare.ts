import { expect } from "vitest";
import { ops, random, valueAndGrad, type Backend, type Tensor } from "../../src/index.js";
import { inputsOf, upload, type Case } from "./cases.js";

export type Results = Record<string, ArrayLike<number>>;

/** The output of a case, and the gradients of its inner product with random numbers. */
export async function outputAndGradients(backend: Backend, testCase: Case, seed?: number): Promise<Results> {
  const inputs = upload(backend, inputsOf(testCase, seed), testCase.shapes);
  const output = backend.scope(() => testCase.run(inputs));
  const cotangent = backend.tensor(Float32Array.from(random(11).normals(output.size)), output.shape);
  const { gradients } = valueAndGrad(
    (parameters: Record<string, Tensor>) => ops.sum(ops.multiply(testCase.run(parameters), cotangent)),
    inputs,
  );
  const results: Results = { output: await output.read() };
  for (const [name, gradient] of Object.entries(gradients)) results[`gradient of ${name}`] = await gradient.read();
  for (const tensor of [...Object.values(inputs), ...Object.values(gradients), output, cotangent]) tensor.dispose();
  return results;
}

export function largest(values: ArrayLike<number>): number {
  return Array.prototype.reduce.call(values, (a, b) => Math.max(a as number, Math.abs(b as number)), 0) as number;
}

export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return largest(Float64Array.from(a, (value, index) => value - b[index]!));
}

/** Rounding that WGSL allows its functions, above correct rounding: eight units in the last place of the largest result. */
const FLOOR = 8 * 2 ** -24;

/** error(gpu) ≤ factor · error(naive float32) + floor, with factor 2 for outputs and 3 for gradients. */
export function expectAsExactAsFloat32(gpu: Results, naive: Results, exact: Results): void {
  for (const [name, reference] of Object.entries(exact)) {
    const allowed = (name === "output" ? 2 : 3) * distance(naive[name]!, reference) + FLOOR * largest(reference);
    const error = distance(gpu[name]!, reference);
    expect(error, `${name}: error ${error}, allowed ${allowed}`).toBeLessThanOrEqual(allowed);
  }
}

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
  const named = Object.entries(gradients).map(([name, gradient]) => [`gradient of ${name}`, gradient] as const);
  const reads = [["output", output] as const, ...named].map(async ([name, x]) => [name, await x.read()] as const);
  const results: Results = Object.fromEntries(await Promise.all(reads));
  for (const tensor of [...Object.values(inputs), ...Object.values(gradients), output, cotangent]) tensor.dispose();
  return results;
}

/** Number of draws that give even the smallest gradient of a case about 64 numbers. */
export function drawsFor({ shapes }: Case): number {
  const smallest = Math.min(...Object.values(shapes).map((shape) => shape.reduce((a, b) => a * b, 1)));
  return Math.ceil(64 / Math.min(64, smallest));
}

/** Results from `count` successive seeds, all computed at once. */
export const draws = (count: number, first: number, results: (seed: number) => Promise<Results>): Promise<Results[]> =>
  Promise.all(Array.from({ length: count }, (_, draw) => results(first + draw)));

interface Level {
  /** Root mean square. */
  readonly mean: number;
  readonly largest: number;
}

/** The root mean square and the largest of the differences, over all draws. */
function level(results: readonly Results[], exact: readonly Results[] | undefined, name: string): Level {
  let [count, squares, largest] = [0, 0, 0];
  results.forEach((result, draw) => {
    Array.from(result[name]).forEach((value, index) => {
      const difference = Math.abs(value - (exact === undefined ? 0 : exact[draw][name][index]));
      count++;
      squares += difference ** 2;
      largest = Math.max(largest, difference);
    });
  });
  return { mean: Math.sqrt(squares / count), largest };
}

/**
 * Rounding that WGSL allows its functions, above correct rounding: eight units in the last place of a typical result.
 */
const FLOOR = 8 * 2 ** -24;
/**
 * Numbers from which on a draw's maximum is checked: over smaller draws it is chance, from the worst conditioned one.
 */
const MANY = 1024;

/**
 * error(gpu) ≤ factor · error(naive float32) + floor with factor 2 for outputs and 3 for gradients, for the root
 * mean square over all draws, and for the maximum where each has many numbers.
 */
export function expectAsExactAsFloat32(
  gpu: readonly Results[],
  naive: readonly Results[],
  exact: readonly Results[],
): void {
  for (const name of Object.keys(exact[0])) {
    const factor = name === "output" ? 2 : 3;
    const [error, yardstick] = [level(gpu, exact, name), level(naive, exact, name)];
    // A gradient may vanish by cancellation of terms that are as large as the output.
    const scales = [level(exact, undefined, name), level(exact, undefined, "output")];
    for (const measure of exact[0][name].length < MANY ? (["mean"] as const) : (["mean", "largest"] as const)) {
      const allowed = factor * yardstick[measure] + FLOOR * Math.max(...scales.map((scale) => scale[measure]));
      expect(error[measure], `${name}, ${measure} error ${error[measure]}, allowed ${allowed}`).toBeLessThanOrEqual(
        allowed,
      );
    }
  }
}

import { describe, expect, it } from "vitest";
import { ArgumentError, UnsupportedError } from "../../src/core/errors.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import type { TiledKernel } from "../../src/kernels/kernel.js";
import { laplacian } from "../../src/kernels/laplacian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { descend } from "../../src/theory/descend.js";
import { jacobianSpectrum } from "../../src/theory/jacobian-spectrum.js";
import { linearize } from "../../src/theory/linearization.js";
import { lossCurve } from "../../src/theory/loss-curve.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import { reachableLoss } from "../../src/theory/reachable-loss.js";
import { nearbyProblem, randomProblem, type Problem, type Sizes } from "./support.js";

const kernels = [softmax(), gaussian(), gaussian({ normalize: true })];
const square: Sizes = { tokens: [3, 3], width: 8, heads: 2, keyWidth: 4, valueWidth: 3, outputWidth: 2 };

function stepOf(problem: Problem, kernel: TiledKernel, trainable: readonly WeightName[], share = 0.5): number {
  const { jacobian } = linearize(checkProblem(problem), kernel, new Set(trainable));
  return share / jacobianSpectrum(jacobian).largest ** 2;
}

describe("the exact curve", () => {
  it.each(kernels.flatMap((kernel) => (["value", "output"] as const).map((name) => ({ kernel, name }))))(
    "is that of gradient descent up to rounding: $kernel.name, $name",
    async ({ kernel, name }) => {
      for (const share of [0.5, 1.9]) {
        const problem = randomProblem(2, square);
        const stepSize = stepOf(problem, kernel, [name], share);
        const curve = lossCurve(problem, { kernel, trainable: [name], stepSize });
        const losses = await descend(problem, kernel, [name], { stepSize, steps: 300 });
        expect(curve).toMatchObject({ kind: "exact", rigorous: true });
        losses.forEach((loss, step) => {
          expect(Math.abs(curve.loss(step) / loss - 1)).toBeLessThan(1e-10);
          expect(curve.bounds(step)).toEqual([curve.loss(step), curve.loss(step)]);
        });
      }
    },
  );

  it("lies below T1's bound, and is much lower at first", () => {
    const problem = randomProblem(1, { ...square, valueWidth: 8 });
    const { certificate } = checkConvergence(problem, { kernel: softmax(), trainable: ["value"] });
    if (!certificate.certified) throw new Error(certificate.reason);
    const { stepSize } = certificate;
    const curve = lossCurve(problem, { kernel: softmax(), trainable: ["value"], stepSize });
    for (let step = 0; step <= 1000; step += 10)
      expect(curve.loss(step)).toBeLessThanOrEqual(certificate.predictedLoss(step) * (1 + 1e-12));
    expect(curve.loss(100)).toBeLessThan(0.5 * certificate.predictedLoss(100));
  });
});

describe("the linearised curve", () => {
  it.each(
    kernels.flatMap((kernel) =>
      ([["query"], ["query", "value"], ["query", "key", "value"], ["value", "output"]] as const).map((trainable) => ({
        kernel,
        trainable,
      })),
    ),
  )("is as close to gradient descent as it says: $kernel.name, $trainable", async ({ kernel, trainable }) => {
    for (const distance of [1e-3, 1]) {
      const problem = nearbyProblem(3, kernel, distance);
      const stepSize = stepOf(problem, kernel, trainable);
      const curve = lossCurve(problem, { kernel, trainable, stepSize });
      expect(curve).toMatchObject({ kind: "linearised", rigorous: true });
      const losses = await descend(problem, kernel, trainable, { stepSize, steps: 40, tolerance: 1e-12 });
      losses.forEach((loss, step) => {
        const [least, most] = curve.bounds(step);
        expect(loss).toBeGreaterThanOrEqual(least * (1 - 1e-9));
        expect(loss).toBeLessThanOrEqual(most * (1 + 1e-9));
      });
      expect(curve.bounds(0)[1]).toBeCloseTo(losses[0], 10);
      if (distance < 1) expect(curve.bounds(10)[1]).toBeLessThan(1.2 * losses[10]);
    }
  });

  it("says nothing rather than something wrong where the bound is lost", () => {
    const problem = randomProblem(3, square);
    const trainable = ["query", "key", "value"] as const;
    const curve = lossCurve(problem, { kernel: softmax(), trainable, stepSize: stepOf(problem, softmax(), trainable) });
    expect(curve.bounds(2000)).toEqual([0, Infinity]);
  });

  it("is not rigorous where L_J is sampled", () => {
    const problem = nearbyProblem(3, laplacian(), 1e-3);
    expect(lossCurve(problem, { kernel: laplacian(), trainable: ["query"], stepSize: 1e-3 }).rigorous).toBe(false);
  });

  it("refuses steps that are not whole, unknown options, and more outputs than it can decompose", () => {
    const options = { kernel: softmax(), trainable: ["value"] as const, stepSize: 0.1 };
    const curve = lossCurve(randomProblem(1, square), options);
    expect(() => curve.loss(1.5)).toThrow(ArgumentError);
    expect(() => curve.loss(-1)).toThrow(ArgumentError);
    expect(() => lossCurve(randomProblem(1, square), { ...options, steps: 3 } as never)).toThrow(ArgumentError);
    const many = randomProblem(1, { ...square, tokens: [301], width: 2 });
    expect(() => lossCurve(many, options)).toThrow(UnsupportedError);
  });
});

describe("T5", () => {
  /** More outputs than rank: no condition of T1 or T2 can hold. */
  const wide: Sizes = { tokens: [4, 4], width: 3, heads: 1, keyWidth: 3, valueWidth: 3, outputWidth: 3 };
  const least = async (problem: Problem, kernel: TiledKernel, trainable: readonly WeightName[], stepSize: number) =>
    Math.min(...(await descend(problem, kernel, trainable, { stepSize, steps: 199 })));

  let informative = 0;
  it.each(
    kernels.flatMap((kernel) =>
      ([["query"], ["value"], ["query", "key"], ["query", "key", "value"]] as const).map((trainable) => ({
        kernel,
        trainable,
      })),
    ),
  )("is never undercut: $kernel.name, $trainable", async ({ kernel, trainable }) => {
    for (const [seed, distance] of [
      [1, 0.01],
      [2, 0.1],
    ]) {
      const problem = nearbyProblem(seed, kernel, distance, wide);
      const { loss, initialLoss, stepSize, floor, rigorous } = reachableLoss(problem, {
        kernel,
        trainable,
        steps: 200,
      });
      expect(rigorous).toBe(true);
      expect(floor).toBeLessThanOrEqual(loss * (1 + 1e-12));
      expect(loss).toBeLessThanOrEqual(initialLoss);
      if (loss < 0.99 * initialLoss) informative++;
      expect(await least(problem, kernel, trainable, stepSize)).toBeLessThanOrEqual(loss * (1 + 1e-9));
    }
  });

  it("says more than the start in many of these", () => expect(informative).toBeGreaterThan(8));

  it("comes close to the least loss that value weights can reach", () => {
    const [problem, kernel, trainable] = [randomProblem(4, wide), softmax(), ["value"] as const];
    const { loss, stepSize, floor } = reachableLoss(problem, { kernel, trainable, steps: 100_000 });
    const curve = lossCurve(problem, { kernel, trainable, stepSize });
    expect(loss).toBeGreaterThanOrEqual(curve.loss(100_000));
    expect(loss).toBeLessThan(1.3 * curve.loss(100_000));
    expect(floor).toBeLessThan(1.1 * curve.loss(10_000_000));
  });

  it("takes a step size, and falls with the number of steps", () => {
    const problem = nearbyProblem(2, gaussian(), 0.1, wide);
    const at = (steps: number, stepSize?: number) =>
      reachableLoss(problem, { kernel: gaussian(), trainable: ["query"], steps, stepSize });
    expect(at(1000).loss).toBeLessThan(at(100).loss);
    expect(at(100, 1e-3)).toMatchObject({ stepSize: 1e-3 });
    expect(at(100, 1e-3).loss).toBeGreaterThanOrEqual(at(100).loss);
    expect(at(100, 1e9).loss).toBe(at(100).initialLoss);
  });

  it("is the start where nothing can move", () => {
    const problem = randomProblem(4, { ...wide, tokens: [1, 1] });
    const report = reachableLoss(problem, { kernel: softmax(), trainable: ["query"], steps: 10 });
    expect(report.loss).toBe(report.initialLoss);
  });

  it("refuses no steps", () => {
    expect(() => reachableLoss(randomProblem(1), { kernel: softmax(), trainable: ["query"], steps: 0 })).toThrow(
      ArgumentError,
    );
  });
});

import { describe, expect, it } from "vitest";
import { gaussian } from "../../src/kernels/gaussian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { descendOnValues, diagonalProblem, randomProblem, unnormalizedGaussian, wide } from "./support.js";

const trainable = ["value"] as const;
const kernels = [
  { name: "softmax", kernel: softmax() },
  { name: "gaussian", kernel: gaussian() },
  { name: "row-normalised gaussian", kernel: gaussian({ normalize: true }) },
];

describe.each(kernels)("T1, value weights only, $name", ({ kernel }) => {
  it.each([1, 2, 3, 4, 5])("bounds the measured loss at every step (seed %i)", (seed) => {
    const problem = randomProblem(seed);
    for (const fraction of [1, 0.1]) {
      const largest = checkConvergence(problem, { kernel, trainable }).certificate.stepSize!;
      const { certificate, initialLoss } = checkConvergence(problem, {
        kernel,
        trainable,
        stepSize: fraction * largest,
      });
      if (!certificate.certified) throw new Error(certificate.reason);
      expect(certificate.theorem).toBe("T1");
      expect(certificate.rate).toBeGreaterThan(0);
      const losses = descendOnValues(problem, kernel, certificate.stepSize, 400);
      expect(initialLoss).toBeCloseTo(losses[0], 10);
      losses.forEach((loss, step) => {
        // Rounding of the measured loss itself is the only allowance.
        expect(loss).toBeLessThanOrEqual(certificate.predictedLoss(step) * (1 + 1e-12));
      });
    }
  });
});

describe("T1's constants", () => {
  const problem = diagonalProblem(
    [1, 0.5],
    [
      [0, 0],
      [0, 3],
    ],
  );

  it("are μ = σ_min(B)² σ_min(W^O)² and L = σ_max(B)² σ_max(W^O)²", () => {
    const { certificate, initialLoss } = checkConvergence(problem, { kernel: unnormalizedGaussian, trainable });
    expect(initialLoss).toBe(4.5);
    expect(certificate.stepSize).toBeCloseTo(1, 12);
    expect(certificate.rate).toBeCloseTo(0.25, 12);
    expect(certificate.predictedLoss?.(0)).toBe(4.5);
    expect(certificate.predictedLoss?.(3)).toBeCloseTo(4.5 * 0.75 ** 3, 12);
  });

  it("are sharp: a rate above 2μη is broken by a residual along the weakest direction", () => {
    const stepSize = 0.01;
    const { certificate } = checkConvergence(problem, { kernel: unnormalizedGaussian, trainable, stepSize });
    const losses = descendOnValues(problem, unnormalizedGaussian, stepSize, 50);
    const tooFast = 1 - 2.02 * certificate.rate!;
    expect(losses[50]).toBeLessThan(certificate.predictedLoss!(50));
    expect(losses[50]).toBeGreaterThan(losses[0] * tooFast ** 50);
  });

  it("promise the end in one step where B and W^O are orthogonal", () => {
    const orthogonal = diagonalProblem(
      [1, 1],
      [
        [1, 2],
        [3, 4],
      ],
    );
    const { certificate } = checkConvergence(orthogonal, { kernel: unnormalizedGaussian, trainable });
    expect(certificate.rate).toBeCloseTo(1, 12);
    expect(certificate.predictedLoss?.(1)).toBeLessThan(1e-12);
    expect(descendOnValues(orthogonal, unnormalizedGaussian, certificate.stepSize!, 1)[1]).toBeLessThan(1e-24);
  });
});

describe("no certificate", () => {
  it("where the step is longer than 1/L", () => {
    const problem = randomProblem(1);
    const { stepSize } = checkConvergence(problem, { kernel: softmax(), trainable }).certificate;
    const { certificate } = checkConvergence(problem, { kernel: softmax(), trainable, stepSize: 1.01 * stepSize! });
    expect(certificate).toMatchObject({ theorem: "T1", certified: false, stepSize, rate: null, predictedLoss: null });
    expect(certificate.reason).toContain("1/L");
  });

  it("where a condition fails, and the reason names it; the step size still cannot raise the loss", () => {
    const problem = randomProblem(2, { ...wide, tokens: [5, 5] });
    const { certificate } = checkConvergence(problem, { kernel: gaussian(), trainable });
    expect(certificate).toMatchObject({ theorem: "T1", certified: false });
    expect(certificate.reason).toContain("kernelMatrixRank");
    const losses = descendOnValues(problem, gaussian(), certificate.stepSize!, 100);
    losses.slice(1).forEach((loss, step) => expect(loss).toBeLessThanOrEqual(losses[step]));
  });

  it.each([[["query"]], [["query", "key", "value"]], [["value", "output"]]] as const)("where %j train", (names) => {
    const { certificate } = checkConvergence(randomProblem(3), { kernel: softmax(), trainable: names });
    expect(certificate).toMatchObject({ theorem: "T2", certified: false, stepSize: null, lossFloor: null });
    expect(certificate.reason).toContain(names.join(", "));
  });

  it("for a zero W^O", () => {
    const problem = randomProblem(4);
    problem.weights.output = problem.weights.output.map((rows) => rows.map((row) => row.map(() => 0)));
    expect(checkConvergence(problem, { kernel: softmax(), trainable }).certificate).toMatchObject({
      certified: false,
      stepSize: null,
    });
  });
});

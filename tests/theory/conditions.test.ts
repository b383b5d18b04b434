import { describe, expect, it } from "vitest";
import { softmax } from "../../src/kernels/softmax.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { exceeds } from "../../src/theory/condition.js";
import { condition, diagonalProblem, randomProblem, unnormalizedGaussian, wide } from "./support.js";

const trainable = ["value"] as const;

describe("a threshold", () => {
  it("holds above, fails below, and is undetermined within rounding", () => {
    expect(exceeds(3, 1, 1)).toBe(true);
    expect(exceeds(2, 1, 1)).toBe("undetermined");
    expect(exceeds(1.5, 1, 1)).toBe("undetermined");
    expect(exceeds(0.5, 2, 1)).toBe(false);
    expect(exceeds(0, 0, 0)).toBe(false);
  });
});

describe("kernelMatrixRank", () => {
  it.each([softmax(), gaussian()])("holds for random samples with H·D ≥ N·n", (kernel) => {
    const rank = condition(checkConvergence(randomProblem(1), { kernel, trainable }), "kernelMatrixRank");
    expect(rank.holds).toBe(true);
    expect(rank.margin).toBe(rank.value - rank.threshold!);
    expect(rank.margin).toBeGreaterThan(0);
  });

  it("gives the smallest singular value and eps·max(size)·σ_max", () => {
    const problem = diagonalProblem(
      [4, 0.5, 2],
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    );
    const rank = condition(checkConvergence(problem, { kernel: unnormalizedGaussian, trainable }), "kernelMatrixRank");
    expect(rank.value).toBeCloseTo(0.5, 14);
    expect(rank.threshold).toBeCloseTo(Number.EPSILON * 3 * 4, 25);
  });

  it("fails for a sample that occurs twice", () => {
    const problem = randomProblem(2, { ...wide, tokens: [3, 3] });
    problem.inputs[1] = problem.inputs[0];
    expect(condition(checkConvergence(problem, { kernel: softmax(), trainable }), "kernelMatrixRank").holds).toBe(
      false,
    );
  });

  it("fails with value 0 where the matrix has fewer columns than rows", () => {
    const problem = randomProblem(3, { ...wide, tokens: [5, 4] });
    const rank = condition(checkConvergence(problem, { kernel: gaussian(), trainable }), "kernelMatrixRank");
    expect(rank).toMatchObject({ holds: false, value: 0 });
  });

  it("is undetermined at the threshold, decided on either side of it", () => {
    const verdict = (smallest: number): unknown => {
      const problem = diagonalProblem(
        [1, smallest],
        [
          [1, 0],
          [0, 1],
        ],
      );
      return condition(checkConvergence(problem, { kernel: unnormalizedGaussian, trainable }), "kernelMatrixRank")
        .holds;
    };
    const threshold = Number.EPSILON * 2;
    expect(verdict(threshold)).toBe("undetermined");
    expect(verdict(threshold / 2)).toBe(false);
    expect(verdict(threshold * 2)).toBe(true);
  });
});

describe("headsTimesWidth", () => {
  it.each([
    { tokens: [3, 4], holds: true, margin: 1 },
    { tokens: [4, 4], holds: true, margin: 0 },
    { tokens: [5, 4], holds: false, margin: -1 },
  ])("compares H·D = 8 with $tokens", ({ tokens, holds, margin }) => {
    const report = checkConvergence(randomProblem(4, { ...wide, tokens }), { kernel: softmax(), trainable });
    expect(condition(report, "headsTimesWidth")).toMatchObject({ holds, margin, value: 8 });
  });
});

describe("eigenvalue ratios", () => {
  it("reports both directions over all heads and judges neither", () => {
    const problem = randomProblem(5, { ...wide, width: 2, keyWidth: 2, valueWidth: 2, tokens: [2] });
    problem.weights.query = [
      [
        [3, 0],
        [0, 1],
      ],
      [
        [1, 0],
        [0, 1],
      ],
    ];
    problem.weights.key = [
      [
        [1, 0],
        [0, 1],
      ],
      [
        [0, 6],
        [2, 0],
      ],
    ];
    problem.weights.value = [
      [
        [4, 0],
        [0, 4],
      ],
      [
        [0, 8],
        [1.5, 0],
      ],
    ];
    const report = checkConvergence(problem, { kernel: softmax(), trainable });
    const unjudged = { holds: "undetermined", threshold: null, margin: null };
    expect(condition(report, "queryKeyOverValue")).toMatchObject(unjudged);
    expect(condition(report, "queryKeyOverValue").value).toBeCloseTo(4, 12);
    expect(condition(report, "valueOverQueryKey")).toMatchObject(unjudged);
    expect(condition(report, "valueOverQueryKey").value).toBeCloseTo(0.25, 12);
  });
});

describe("outputRank", () => {
  it("holds for random W^O with d_v ≥ d_o", () => {
    expect(condition(checkConvergence(randomProblem(6), { kernel: softmax(), trainable }), "outputRank").holds).toBe(
      true,
    );
  });

  it("fails where one head has dependent columns, and says which", () => {
    const problem = randomProblem(7);
    problem.weights.output[1] = [
      [1, 2],
      [2, 4],
      [-1, -2],
    ];
    const output = condition(checkConvergence(problem, { kernel: softmax(), trainable }), "outputRank");
    expect(output.holds).toBe(false);
    expect(output.note).toContain("head 1");
  });

  it("fails for a zero matrix and for d_v < d_o", () => {
    const zero = randomProblem(8);
    zero.weights.output[0] = [
      [0, 0],
      [0, 0],
      [0, 0],
    ];
    expect(condition(checkConvergence(zero, { kernel: softmax(), trainable }), "outputRank").holds).toBe(false);
    const narrow = randomProblem(9, { ...wide, valueWidth: 1 });
    expect(condition(checkConvergence(narrow, { kernel: softmax(), trainable }), "outputRank")).toMatchObject({
      holds: false,
      value: 0,
    });
  });

  it("is undetermined at the threshold", () => {
    const problem = randomProblem(10, { ...wide, valueWidth: 2 });
    problem.weights.output[0] = [
      [1, 0],
      [0, 2 * Number.EPSILON],
    ];
    expect(condition(checkConvergence(problem, { kernel: softmax(), trainable }), "outputRank").holds).toBe(
      "undetermined",
    );
  });
});

describe("weightsReachOutput", () => {
  const equalTokens = (seed: number) => {
    const problem = randomProblem(seed);
    problem.inputs[0] = problem.inputs[0].map(() => problem.inputs[0][0]);
    return problem;
  };

  it.each([softmax(), gaussian(), gaussian({ normalize: true })])("holds for random samples", (kernel) => {
    const report = checkConvergence(randomProblem(11), { kernel, trainable: ["query"] });
    expect(condition(report, "weightsReachOutput").holds).toBe(true);
  });

  it("fails for a row-normalised kernel where one sample has equal value rows, not for an unnormalised one", () => {
    for (const kernel of [softmax(), gaussian({ normalize: true })]) {
      const report = checkConvergence(equalTokens(12), { kernel, trainable: ["query"] });
      expect(condition(report, "weightsReachOutput")).toMatchObject({ holds: false, value: 0 });
    }
    const report = checkConvergence(equalTokens(12), { kernel: gaussian(), trainable: ["query"] });
    expect(condition(report, "weightsReachOutput").holds).toBe(true);
  });

  it("fails for value rows that are equal but for rounding", () => {
    const problem = randomProblem(13);
    // 0.1 + 0.2 and 0.3 differ in the last bit.
    problem.inputs = [
      [
        [0.1, 0.2, 0, 0],
        [0.3, 0, 0, 0],
      ],
    ];
    problem.targets = [
      [
        [1, 0],
        [0, 1],
      ],
    ];
    problem.weights.value = problem.weights.value.map(() => [
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    const reach = condition(
      checkConvergence(problem, { kernel: softmax(), trainable: ["query"] }),
      "weightsReachOutput",
    );
    expect(reach.value).toBeGreaterThan(0);
    expect(reach.holds).toBe(false);
  });

  it("fails for any kernel where the value weights are zero, and for samples of one token with softmax", () => {
    const zero = randomProblem(14);
    zero.weights.value = zero.weights.value.map((rows) => rows.map((row) => row.map(() => 0)));
    expect(
      condition(checkConvergence(zero, { kernel: gaussian(), trainable: ["query"] }), "weightsReachOutput").holds,
    ).toBe(false);
    const single = randomProblem(15, { ...wide, tokens: [1, 3] });
    expect(
      condition(checkConvergence(single, { kernel: softmax(), trainable: ["query"] }), "weightsReachOutput").holds,
    ).toBe(false);
    expect(
      condition(checkConvergence(single, { kernel: gaussian(), trainable: ["query"] }), "weightsReachOutput").holds,
    ).toBe(true);
  });
});

describe("embeddingDimension", () => {
  it.each([
    { tokens: [1, 3], holds: true, margin: 1 },
    { tokens: [4, 2], holds: true, margin: 0 },
    { tokens: [2, 5], holds: false, margin: -1 },
  ])("compares D = 4 with the longest of $tokens", ({ tokens, holds, margin }) => {
    const report = checkConvergence(randomProblem(1, { ...wide, tokens }), { kernel: softmax(), trainable });
    expect(condition(report, "embeddingDimension")).toMatchObject({ holds, margin, value: 4 });
  });
});

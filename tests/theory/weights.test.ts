import { describe, expect, it } from "vitest";
import { softmax } from "../../src/kernels/softmax.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { condition, randomProblem, unnormalizedGaussian, wide, type Problem } from "./support.js";

const trainable = ["value"] as const;

describe.each([
  ["query", "queryRank"],
  ["key", "keyRank"],
  ["value", "valueRank"],
] as const)("W^%s", (weight, name) => {
  const check = (smallest: number) => {
    const problem = randomProblem(16, { ...wide, width: 2, keyWidth: 2, valueWidth: 2, tokens: [2, 2] });
    problem.weights[weight] = [
      [
        [3, 0],
        [0, 2],
      ],
      [
        [1, 0],
        [0, smallest],
      ],
    ];
    return checkConvergence(problem, { kernel: softmax(), trainable });
  };

  it("has full rank, has not, or is at the threshold", () => {
    expect(condition(check(0.5), name).holds).toBe(true);
    expect(condition(check(0), name).holds).toBe(false);
    expect(condition(check(2 * Number.EPSILON), name).holds).toBe("undetermined");
  });

  it("shows its extreme singular values over all heads", () => {
    const { largest, smallest } = check(0.5).singularValues[weight];
    expect(largest).toBeCloseTo(3, 12);
    expect(smallest).toBeCloseTo(0.5, 12);
  });
});

describe("weightsRepresentable", () => {
  /** Two tokens, each q - k = ±distance from every key: both weights are e^(-distance²/2). */
  const apart = (distance: number) => {
    const problem: Problem = {
      inputs: [
        [
          [1, 0],
          [1, 0],
        ],
      ],
      targets: [[[0], [0]]],
      weights: { query: [[[distance], [0]]], key: [[[0], [0]]], value: [[[1], [1]]], output: [[[1]]] },
    };
    return condition(
      checkConvergence(problem, { kernel: unnormalizedGaussian, trainable: ["query"] }),
      "weightsRepresentable",
    );
  };

  it("holds for near tokens, fails where γ‖q-k‖² exceeds 175", () => {
    expect(apart(1)).toMatchObject({ holds: true, threshold: 2 ** -126 });
    expect(apart(Math.sqrt(174)).holds).toBe(true);
    expect(apart(Math.sqrt(175)).holds).toBe(false);
    expect(apart(Math.sqrt(175)).note).toContain("4 of 4 weights");
    expect(apart(100)).toMatchObject({ holds: false, value: 0 });
  });

  it("is undetermined where the score rounds to the threshold", () => {
    expect(apart(Math.sqrt(2 * 126 * Math.LN2)).holds).toBe("undetermined");
  });

  it("holds for a row-normalised kernel, whose largest weight of a row is at least 1/n", () => {
    const problem = randomProblem(17);
    problem.weights.query = problem.weights.query.map((rows) => rows.map((row) => row.map((value) => 100 * value)));
    const report = checkConvergence(problem, { kernel: gaussian({ normalize: true }), trainable: ["query"] });
    expect(condition(report, "weightsRepresentable").value).toBeGreaterThanOrEqual(1 / 4);
  });
});

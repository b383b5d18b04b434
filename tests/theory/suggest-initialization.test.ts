import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { convergenceProbability } from "../../src/theory/initialization.js";
import { suggestInitialization } from "../../src/theory/suggest-initialization.js";
import { descend } from "../../src/theory/descend.js";
import { randomProblem, type Sizes } from "./support.js";

const sizes: Sizes = { tokens: [2, 2], width: 8, heads: 4, keyWidth: 4, valueWidth: 4, outputWidth: 1 };

describe("suggestInitialization", () => {
  it.each([["query"], ["query", "key"], ["query", "key", "value"]] as const)(
    "finds one for the Gaussian where %j train, and it keeps its promise",
    async (...trainable) => {
      const problem = randomProblem(1, sizes);
      const kernel = gaussian();
      const suggestion = suggestInitialization(problem, { kernel, trainable, draws: 20 });
      if (!suggestion.found) throw new Error(suggestion.reason);
      const { initialization, probability, weights, certificate } = suggestion;
      expect(weights.query).toHaveLength(initialization.heads);
      expect(probability.interval[0]).toBeGreaterThanOrEqual(0.5);
      expect(checkConvergence({ ...problem, weights }, { kernel, trainable }).certificate).toMatchObject({
        certified: true,
        stepSize: certificate.stepSize,
      });
      if (!certificate.certified) throw new Error(certificate.reason);
      const losses = await descend({ ...problem, weights }, kernel, trainable, {
        stepSize: certificate.stepSize,
        steps: 200,
      });
      losses.forEach((loss, step) => expect(loss).toBeLessThanOrEqual(certificate.predictedLoss(step) * (1 + 1e-6)));
      expect(losses[200]).toBeLessThan(losses[0]);
    },
  );

  it("doubles the heads for W^V alone where H·D is less than the tokens", () => {
    const problem = randomProblem(2, {
      tokens: [3, 3],
      width: 4,
      heads: 1,
      keyWidth: 4,
      valueWidth: 2,
      outputWidth: 2,
    });
    const suggestion = suggestInitialization(problem, { kernel: softmax(), trainable: ["value"] });
    expect(suggestion).toMatchObject({ found: true, initialization: { heads: 2, mirrored: false } });
  });

  it("gives the same answer for the same seed", () => {
    const suggest = () =>
      suggestInitialization(randomProblem(3, sizes), { kernel: gaussian(), trainable: ["query"], draws: 10, seed: 5 });
    expect(JSON.stringify(suggest())).toBe(JSON.stringify(suggest()));
  });

  it("says that it found none where equal tokens hide the queries from softmax", () => {
    const problem = randomProblem(4, { ...sizes, heads: 1 });
    problem.inputs = problem.inputs.map((rows) => rows.map(() => rows[0]));
    const suggestion = suggestInitialization(problem, { kernel: softmax(), trainable: ["query"] });
    if (suggestion.found) throw new Error("found one");
    expect(suggestion.tried).toBe(100);
    expect(suggestion.reason).toContain("None of 100");
  });

  it.each([0, 1, 2.5])("refuses %d draws", (draws) => {
    expect(() =>
      suggestInitialization(randomProblem(1, sizes), { kernel: gaussian(), trainable: ["query"], draws }),
    ).toThrow(ArgumentError);
  });
});

describe("convergenceProbability", () => {
  const at = (value: number, heads = 4) =>
    convergenceProbability(
      randomProblem(1, sizes),
      { heads, mirrored: true, scales: { query: 1, key: 1, value, output: 1 } },
      { kernel: gaussian(), trainable: ["query"], draws: 20 },
    );

  it("rises with the scale of W^V for mirrored heads", () => {
    expect(at(1).share).toBe(0);
    expect(at(10_000).interval[0]).toBeGreaterThan(0.5);
    expect(at(10_000)).toMatchObject({ trials: 20 });
  });

  it("refuses to mirror an odd number of heads", () => {
    expect(() => at(1, 3)).toThrow(ArgumentError);
  });
});

import { describe, expect, it } from "vitest";
import { gaussian } from "../../src/kernels/gaussian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { singularValues } from "../../src/theory/spectrum.js";
import { evaluate } from "../../src/theory/model.js";
import { provedLipschitz } from "../../src/theory/lipschitz.js";
import { sampledLipschitz } from "../../src/theory/sampled-lipschitz.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import { randomProblem } from "./support.js";

const subsets: readonly (readonly WeightName[])[] = [
  ["query"],
  ["key"],
  ["query", "key"],
  ["query", "value"],
  ["key", "output"],
  ["value", "output"],
  ["query", "key", "value", "output"],
];

describe("T3 and its extensions are never exceeded by what is sampled", () => {
  const cases = [
    ...subsets.map((trainable) => ({ kernel: gaussian(), trainable })),
    { kernel: gaussian({ gamma: 3 }), trainable: ["query"] as const },
    { kernel: softmax(), trainable: ["query"] as const },
    { kernel: gaussian({ normalize: true, gamma: 2 }), trainable: ["query"] as const },
  ];
  it.each(cases)("$kernel.name, $trainable", ({ kernel, trainable }) => {
    const names = new Set<WeightName>(trainable);
    for (let seed = 0; seed < 8; seed++) {
      for (const radius of [0.01, 1, 10]) {
        const problem = checkProblem(randomProblem(seed));
        const stackedNorm = singularValues(evaluate(problem, kernel).stacked)[0];
        const proved = provedLipschitz(problem, kernel, names, radius, stackedNorm);
        const sampled = sampledLipschitz(problem, kernel, names, { radius, seed });
        expect(proved?.rigorous).toBe(true);
        expect(sampled).toBeGreaterThan(0);
        expect(sampled).toBeLessThanOrEqual(proved!.value * (1 + 1e-6));
      }
    }
  });
});

describe("what is known of L_J", () => {
  const problem = checkProblem(randomProblem(1));
  const proved = (kernel: ReturnType<typeof softmax>, trainable: readonly WeightName[], scaled = problem) =>
    provedLipschitz(scaled, kernel, new Set(trainable), 1, 5);

  it("is 0 for one linear weight and σ_max(B) for two", () => {
    expect(proved(softmax(), ["value"])?.value).toBe(0);
    expect(proved(softmax(), ["output"])?.value).toBe(0);
    expect(proved(softmax(), ["value", "output"])?.value).toBe(5);
  });

  it("does not depend on W^Q and W^K for the Gaussian, and grows with the square of W^K for softmax", () => {
    const longer = {
      ...problem,
      heads: problem.heads.map((head) => ({ ...head, key: head.key.clone().mul(3), query: head.query.clone().mul(5) })),
    };
    expect(proved(gaussian(), ["query"], longer)?.value).toBe(proved(gaussian(), ["query"])?.value);
    expect(proved(softmax(), ["query"], longer)!.value / proved(softmax(), ["query"])!.value).toBeCloseTo(9, 10);
  });

  it("is T3's formula for one token, where it is the exact second derivative at q = k", () => {
    const single = checkProblem({
      inputs: [[[2]]],
      targets: [[[0]]],
      weights: { query: [[[1]]], key: [[[1]]], value: [[[3]]], output: [[[1]]] },
    });
    expect(proved(gaussian({ gamma: 0.5 }), ["query"], single)?.value).toBeCloseTo(0.5 * 4 * 6, 12);
    expect(sampledLipschitz(single, gaussian({ gamma: 0.5 }), new Set(["query"]), { radius: 0.1 })).toBeCloseTo(
      0.5 * 4 * 6,
      4,
    );
  });

  it("is unknown, hence sampled, for softmax with W^K or more", () => {
    expect(proved(softmax(), ["key"])).toBeNull();
    expect(proved(softmax(), ["query", "value"])).toBeNull();
  });
});

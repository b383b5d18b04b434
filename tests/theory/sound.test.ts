import { Matrix } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { decoupled } from "../../src/kernels/decoupled.js";
import { elliptical } from "../../src/kernels/elliptical.js";
import { mahalanobis } from "../../src/kernels/mahalanobis.js";
import { pairwise } from "../../src/kernels/pairwise.js";
import { polynomial } from "../../src/kernels/polynomial.js";
import { relativePosition } from "../../src/kernels/relative-position.js";
import { relu } from "../../src/kernels/relu.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { descend } from "../../src/theory/descend.js";
import { convergenceProbability } from "../../src/theory/initialization.js";
import { pathProbability } from "../../src/theory/path-probability.js";
import { suggestInitialization } from "../../src/theory/suggest-initialization.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { softmax } from "../../src/kernels/softmax.js";
import { ballLipschitz } from "../../src/theory/ball-lipschitz.js";
import { certifyPath } from "../../src/theory/certify-path.js";
import { certifyWeights } from "../../src/theory/certify-weights.js";
import { lossCurve } from "../../src/theory/loss-curve.js";
import { largestForm, provedLipschitz } from "../../src/theory/lipschitz.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import { reachableLoss } from "../../src/theory/reachable-loss.js";
import { sampledLipschitz } from "../../src/theory/sampled-lipschitz.js";
import { nearbyProblem, randomProblem, wide, type Problem } from "./support.js";

const scaled = (rows: number[][][], factor: number): number[][][] =>
  rows.map((matrix) => matrix.map((row) => row.map((x) => factor * x)));

describe("tokens that differ by less than the root of ε of their length", () => {
  /** Outputs stay within (-1, 1) and targets are 2, so that the loss is above 1 for all weights. */
  const near = (e: number): Problem => ({
    inputs: [
      [
        [1, e],
        [1, -e],
      ],
    ],
    targets: [[[2], [2]]],
    weights: {
      query: [
        [
          [0.5 / e, 0.5 / e],
          [0.5 / e ** 2, -0.5 / e ** 2],
        ],
      ],
      key: [
        [
          [0, 0],
          [0, 0],
        ],
      ],
      value: [[[0], [1 / e]]],
      output: [[[1]]],
    },
  });

  it.each([
    [1e-9, softmax({ scale: 1 })],
    [1e-8, softmax({ scale: 1 })],
    [1e-9, gaussian({ normalize: true, gamma: 1 })],
  ])("get no false certificate: %d, $1.name", async (e, kernel) => {
    const options = { kernel, trainable: ["key"] as const };
    expect(certifyWeights(near(e), options).certificate.certified).toBe(false);
    expect((await certifyPath(near(e), { ...options, stepSize: 0.5, steps: 5 })).certifiedAt).toBeNull();
    expect(reachableLoss(near(e), { ...options, steps: 1e6 }).loss).toBeGreaterThan(1);
    expect(lossCurve(near(e), { ...options, stepSize: 0.5 }).bounds(50)[1]).toBeGreaterThan(1);
  });
});

describe("keys that differ by less than the rounding of their products", () => {
  it("keep their distance in the constant of W^Q alone", () => {
    // keys are 2^54 + 1 and 2^54 + 2, which float64 cannot tell apart
    const problem = checkProblem({
      inputs: [
        [
          [1, 1],
          [1, 2],
        ],
      ],
      targets: [[[0], [0]]],
      weights: { query: [[[1], [1]]], key: [[[2 ** 54], [1]]], value: [[[2 ** 54], [1]]], output: [[[1]]] },
    });
    const lipschitz = provedLipschitz(problem, softmax({ scale: 1 }), new Set(["query"]), 1, 1)!;
    // (Δ_k/2)² Δ_u ‖x_t‖² with Δ_k = Δ_u = 1
    expect(lipschitz.value).toBeCloseTo(Math.hypot(2, 5) / 4, 12);
  });
});

describe("scores far apart", () => {
  /** Token 0 is zero; the others score -gap with each other. */
  const distant = (gap: number): Problem => ({
    inputs: [
      [
        [0, 0, 0],
        [1, 0, 0],
        [0, 0, 1],
      ],
    ],
    targets: [[[0], [0], [0]]],
    weights: {
      query: [
        [
          [Math.sqrt(gap), 0],
          [0, 1],
          [0, 0],
        ],
      ],
      key: [
        [
          [-Math.sqrt(gap), 0],
          [0, 1],
          [0, 0],
        ],
      ],
      value: [[[1], [0], [0]]],
      output: [[[1]]],
    },
  });
  const subsets: readonly (readonly WeightName[])[] = [["query"], ["query", "value"], ["query", "key", "value"]];

  it.each([200, 372, 380, 600, 700, 720, 744, 760].flatMap((gap) => subsets.map((trainable) => ({ gap, trainable }))))(
    "have a bound of L_J that no point of the ball exceeds: $gap, $trainable",
    ({ gap, trainable }) => {
      const names = new Set(trainable);
      const problem = checkProblem(distant(gap));
      const bound = ballLipschitz(problem, softmax({ scale: 1 }), names, 1)!;
      const all = Math.sqrt(gap);
      for (const share of [0, 0.1, 0.3, 0.6, 0.9, 1, 1.1]) {
        const change = new Matrix([
          [share * all, 0],
          [0, 0],
          [0, 0],
        ]);
        const heads = problem.heads.map((head) => ({ ...head, query: Matrix.sub(head.query, change) }));
        const found = sampledLipschitz({ ...problem, heads }, softmax({ scale: 1 }), names, { radius: 0 });
        const { value } = bound(share * all);
        expect(value).not.toBeNaN();
        expect(value * (1 + 1e-6)).toBeGreaterThanOrEqual(found);
      }
    },
  );

  it.each([1, 25, 30, 1e3, 1e40, 1e80, 1e160])(
    "lose no run to an eigenvalue routine: W^Q and W^K × %d",
    async (factor) => {
      const problem = randomProblem(2, { tokens: [3], width: 4, heads: 2, keyWidth: 3, valueWidth: 3, outputWidth: 1 });
      problem.inputs[0][0] = [0, 0, 0, 0];
      const { query, key } = problem.weights;
      const weights = { ...problem.weights, query: scaled(query, factor), key: scaled(key, Math.min(factor, 30)) };
      for (const kernel of [softmax(), gaussian({ normalize: true }), gaussian()]) {
        for (const trainable of [["query"], ["key"], ["query", "value"]] as const) {
          const path = await certifyPath({ ...problem, weights }, { kernel, trainable, stepSize: 1e-6, steps: 2 });
          expect(path.losses.length).toBeGreaterThan(0);
        }
      }
    },
  );
});

describe("a run that diverges", () => {
  it.each([["value", "output"], ["query"], ["query", "value"]] as const)(
    "is kept to its end: %s %s",
    async (...names) => {
      const problem = randomProblem(2, { ...wide, tokens: [3, 3] });
      const trainable = names.filter((name) => name !== undefined);
      for (const stepSize of [1e3, 1e30, 1e100, 1e150]) {
        for (const kernel of [softmax(), gaussian({ normalize: true }), gaussian()]) {
          const path = await certifyPath(problem, { kernel, trainable, stepSize, steps: 60 });
          expect(path.losses.length).toBeGreaterThan(1);
          expect(path.certificate.certified).toBe(false);
        }
      }
    },
  );
});

describe("samples of one token", () => {
  it("have a finite nonlinearity where they are certified", () => {
    const sizes = { tokens: [1, 1], width: 4, heads: 2, keyWidth: 3, valueWidth: 3, outputWidth: 1 };
    const near = nearbyProblem(1, softmax(), 0.1, sizes);
    // outputs, targets and all, thrice as large
    const problem = {
      ...near,
      targets: scaled(near.targets, 3),
      weights: { ...near.weights, output: scaled(near.weights.output, 3) },
    };
    const { certificate, nonlinearity } = certifyWeights(problem, {
      kernel: softmax(),
      trainable: ["query", "value"],
    });
    expect(certificate.certified).toBe(true);
    expect(nonlinearity).toBeLessThan(1);
  });
});

describe("T4", () => {
  const equal = (): Problem => ({
    inputs: [
      [
        [1, 0],
        [1, 0],
      ],
    ],
    targets: [[[0.5], [0.7]]],
    weights: { query: [[[1], [0.5]]], key: [[[1], [0.2]]], value: [[[1], [0]]], output: [[[1]]] },
  });

  it("is not claimed for weights whose rows do not sum to 1", async () => {
    const options = { kernel: relu({ scale: 1 }), trainable: ["query"] as const };
    expect(checkConvergence(equal(), options).certificate).not.toMatchObject({ theorem: "T4" });
    expect(certifyWeights(equal(), options).certificate).not.toMatchObject({ theorem: "T4" });
    const losses = await descend(equal(), options.kernel, options.trainable, { stepSize: 0.1, steps: 300 });
    expect(losses.at(-1)).toBeLessThan(0.1 * losses[0]);
  });

  it("is claimed for row sums of any kind, if none is 0", () => {
    const options = { trainable: ["query"] as const };
    for (const kernel of [softmax(), polynomial()]) {
      expect(checkConvergence(equal(), { ...options, kernel }).certificate.theorem).toBe("T4");
    }
    const still = { ...equal(), weights: { ...equal().weights, query: [[[0], [0]]] } };
    expect(checkConvergence(still, { ...options, kernel: polynomial({ offset: 0 }) }).certificate.theorem).not.toBe(
      "T4",
    );
  });
});

describe("kernels with inputs of their own", () => {
  it.each([pairwise(), decoupled(), relativePosition(), elliptical(), mahalanobis()])(
    "are refused: $name",
    async (kernel) => {
      const options = { kernel, trainable: ["query"] as const };
      const problem = randomProblem(1, { ...wide, tokens: [2, 2] });
      const initialization = { heads: 2, mirrored: false, scales: { query: 1, key: 1, value: 1, output: 1 } };
      for (const judge of [
        () => checkConvergence(problem, options),
        () => certifyWeights(problem, options),
        () => lossCurve(problem, { ...options, stepSize: 1 }),
        () => reachableLoss(problem, { ...options, steps: 1 }),
        () => suggestInitialization(problem, options),
        () => convergenceProbability(problem, initialization, options),
      ]) {
        expect(judge).toThrow(/without inputs besides q, k and v/);
      }
      await expect(certifyPath(problem, { ...options, stepSize: 1, steps: 1 })).rejects.toThrow(ArgumentError);
      await expect(pathProbability(problem, initialization, { ...options, steps: 1 })).rejects.toThrow(ArgumentError);
    },
  );
});

describe("steps for random weights", () => {
  it("exist where the largest singular value is not known: many outputs, few distinct ones", async () => {
    // equal tokens in every sample: the Jacobian has a few singular values besides 0
    const problem = {
      inputs: Array.from({ length: 170 }, () => [[1, 0]]),
      targets: Array.from({ length: 170 }, () => [[1]]),
      weights: { query: [[[1], [0]]], key: [[[1], [0]]], value: [[[1], [0]]], output: [[[1]]] },
    };
    const initialization = { heads: 1, mirrored: false, scales: { query: 1, key: 1, value: 1, output: 1 } };
    const options = { kernel: softmax(), trainable: ["value"] as const, steps: 1, draws: 2 };
    const { within, certifiedAt } = await pathProbability(problem, initialization, options);
    expect(certifiedAt).toEqual([null, null]);
    expect(within.share).toBe(0);
  });
});

describe("the largest value of a quadratic form", () => {
  it("is not below the exact one, and does not underflow", () => {
    for (const scale of [1, 1e-200, 1e-310, 1e120]) {
      for (const [p, v, w] of [
        [1, 1, 1],
        [0.3, 0.7, 0.1],
        [2, 1e-3, 5],
      ]) {
        // with v = o, (1, 1) is an eigenvector of the last two: [[p, √2 v], [√2 v, w]]
        const exact = (p + w + Math.hypot(p - w, 2 * Math.SQRT2 * v)) / 2;
        const bound = largestForm(p * scale, v * scale, v * scale, w * scale);
        expect(bound).toBeGreaterThanOrEqual(exact * scale);
        expect(bound).toBeLessThanOrEqual(exact * scale * (1 + 1e-13));
      }
    }
  });
});

import { describe, expect, it } from "vitest";
import { random } from "../../src/core/random.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import { kernels } from "../../src/kernels/registry.js";
import { linearize, moveWeights } from "../../src/theory/linearization.js";
import { checkProblem, type WeightName } from "../../src/theory/problem.js";
import { randomProblem } from "./support.js";

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, index) => sum + x * b[index], 0);
const names: readonly WeightName[] = ["query", "key", "value", "output"];

describe.each(["softmax", "gaussian", "gaussianNormalized", "cosine", "sigmoid", "polynomial"])(
  "the Jacobian, %s",
  (name) => {
    const kernel = kernels[name]();
    if ("compose" in kernel) throw new Error("wanted a tiled kernel");
    const problem = checkProblem(randomProblem(3));

    it.each(names.map((weight) => [weight]))("of W^%s agrees with central differences of the residual", (weight) => {
      const trainable = new Set([weight]);
      const { jacobian } = linearize(problem, kernel, trainable);
      const direction = random(5).normals(jacobian.columns);
      const step = 1e-5;
      const [ahead, behind] = [step, -step].map(
        (scale) => linearize(moveWeights(problem, trainable, direction, scale), kernel, trainable).residual,
      );
      const change = jacobian.apply(direction);
      const size = Math.hypot(...change);
      expect(size).toBeGreaterThan(1e-3);
      // truncation of the differences is O(step²), their rounding ε/step
      change.forEach((value, row) =>
        expect(Math.abs(value - (ahead[row] - behind[row]) / (2 * step)) / size).toBeLessThan(1e-7),
      );
    });

    it("has the adjoint ⟨Jv, u⟩ = ⟨v, Jᵀu⟩", () => {
      const { jacobian } = linearize(problem, kernel, new Set(names));
      const [v, u] = [random(6).normals(jacobian.columns), random(7).normals(jacobian.rows)];
      expect(dot(jacobian.apply(v), u)).toBeCloseTo(dot(v, jacobian.adjoint(u)), 10);
    });
  },
);

describe("moving weights", () => {
  it("moves the trained ones alone", () => {
    const problem = checkProblem(randomProblem(4));
    const trainable = new Set<WeightName>(["key"]);
    const { jacobian } = linearize(problem, gaussian(), trainable);
    const moved = moveWeights(problem, trainable, new Float64Array(jacobian.columns).fill(1), 2);
    expect(moved.heads[1].key.get(0, 0)).toBe(problem.heads[1].key.get(0, 0) + 2);
    expect(moved.heads[0].query).toBe(problem.heads[0].query);
  });
});

import { describe, expect, it } from "vitest";
import { multiply, square, subtract } from "../../src/autograd/arithmetic.js";
import { reshape, sum } from "../../src/autograd/broadcast.js";
import { valueAndGrad } from "../../src/autograd/grad.js";
import { matmul } from "../../src/autograd/matmul.js";
import { cpu } from "../../src/cpu/cpu.js";
import type { Tensor } from "../../src/core/tensor.js";
import { attention } from "../../src/kernels/attention.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import type { AttentionKernel } from "../../src/kernels/kernel.js";
import { softmax } from "../../src/kernels/softmax.js";
import { checkConvergence } from "../../src/theory/check-convergence.js";
import { randomProblem, type Problem } from "./support.js";

/** Theorem T4's case: X = I, W^K = (1, -1)ᵀ, all value rows 1, targets 0.6. */
const degenerate: Problem = {
  inputs: [
    [
      [1, 0],
      [0, 1],
    ],
  ],
  targets: [[[0.6], [0.6]]],
  weights: { query: [[[0.3], [-0.2]]], key: [[[1], [-1]]], value: [[[1], [1]]], output: [[[1]]] },
};

/** Gradient descent on W^Q alone with the library's own attention and gradients, steps of 0.5. */
async function descendOnQuery(
  kernel: AttentionKernel,
  steps: number,
): Promise<{ losses: number[]; largestGradient: number }> {
  const x = cpu.tensor([1, 0, 0, 1], [2, 2]);
  const heads = (tensor: Tensor): Tensor => reshape(tensor, [1, 1, 2, 1]);
  const k = heads(cpu.tensor([1, -1], [2, 1]));
  const v = cpu.tensor([1, 1], [1, 1, 2, 1]);
  const y = cpu.tensor([0.6, 0.6], [1, 1, 2, 1]);
  const losses: number[] = [];
  let weights: ArrayLike<number> = [0.3, -0.2];
  let largestGradient = 0;
  for (let step = 0; step <= steps; step++) {
    const parameters = { query: cpu.tensor(weights, [2, 1]) };
    const { value, gradients } = valueAndGrad(({ query }) => {
      const output = attention(kernel, { q: heads(matmul(x, query)), k, v });
      return multiply(sum(square(subtract(output, y))), 0.5);
    }, parameters);
    const gradient = Array.from(await gradients.query.read());
    losses.push((await value.read())[0]);
    largestGradient = Math.max(largestGradient, ...gradient.map(Math.abs));
    const current = await parameters.query.read();
    weights = gradient.map((slope, index) => current[index] - 0.5 * slope);
  }
  return { losses, largestGradient };
}

describe("T4, equal value rows, query weights only", () => {
  it("softmax stays at its initial loss with zero gradient", async () => {
    const { losses, largestGradient } = await descendOnQuery(softmax(), 200);
    expect(losses[0]).toBeCloseTo(0.16, 14);
    expect(largestGradient).toBe(0);
    expect(losses.at(-1)).toBe(losses[0]);
  });

  it("the Gaussian falls from 0.375256 to below 1e-20", async () => {
    const { losses } = await descendOnQuery(gaussian({ gamma: 1 }), 2000);
    expect(losses[0]).toBeCloseTo(0.375256, 6);
    expect(losses.at(-1)).toBeLessThan(1e-20);
  });

  it.each([[["query"]], [["key"]], [["query", "key"]]] as const)(
    "is recognised for softmax where %j train",
    (trainable) => {
      const { certificate, initialLoss } = checkConvergence(degenerate, { kernel: softmax(), trainable });
      expect(initialLoss).toBeCloseTo(0.16, 14);
      expect(certificate).toMatchObject({ theorem: "T4", certified: false, lossFloor: initialLoss });
      expect(certificate.reason).toContain("identically zero");
    },
  );

  it("is not claimed for the Gaussian, nor where the value weights move", () => {
    const unnormalised = checkConvergence(degenerate, { kernel: gaussian({ gamma: 1 }), trainable: ["query"] });
    expect(unnormalised.initialLoss).toBeCloseTo(0.375256, 6);
    expect(unnormalised.certificate).toMatchObject({ theorem: "T2", certified: false, lossFloor: null });
    const moving = checkConvergence(degenerate, { kernel: softmax(), trainable: ["query", "value"] });
    expect(moving.certificate.theorem).toBe("T2");
  });

  it("gives the loss of the degenerate samples as a floor where only some are", () => {
    const problem = randomProblem(1);
    problem.inputs[0] = problem.inputs[0].map(() => problem.inputs[0][0]);
    const only = { ...problem, inputs: [problem.inputs[0]], targets: [problem.targets[0]] };
    const options = { kernel: softmax(), trainable: ["query"] } as const;
    const { certificate, initialLoss } = checkConvergence(problem, options);
    const floor = checkConvergence(only, options).initialLoss;
    if (certificate.certified) throw new Error(certificate.reason);
    expect(certificate.theorem).toBe("T4");
    expect(certificate.reason).toContain("1 of 2 samples");
    expect(certificate.lossFloor).toBeCloseTo(floor, 12);
    expect(certificate.lossFloor).toBeLessThan(initialLoss);
  });
});

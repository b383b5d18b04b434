import { Matrix } from "ml-matrix";
import { random } from "../../src/core/random.js";
import { kernelMatrix } from "../../src/cpu/weights.js";
import { gaussian } from "../../src/kernels/gaussian.js";
import type { TiledKernel } from "../../src/kernels/kernel.js";
import type { ConvergenceReport } from "../../src/theory/check-convergence.js";
import type { Condition, ConditionName } from "../../src/theory/condition.js";
import { linearize } from "../../src/theory/linearization.js";
import { checkProblem } from "../../src/theory/problem.js";

/** A problem with nested arrays, as `checkConvergence` takes it. */
export interface Problem {
  inputs: number[][][];
  targets: number[][][];
  weights: Record<"query" | "key" | "value" | "output", number[][][]>;
}

export function condition(report: ConvergenceReport, name: ConditionName): Condition {
  return report.conditions.find((candidate) => candidate.name === name)!;
}

export interface Sizes {
  tokens: readonly number[];
  width: number;
  heads: number;
  keyWidth: number;
  valueWidth: number;
  outputWidth: number;
}

/** H·D = 8 ≥ Σ n = 6, samples of different length, d_k ≠ d_v ≠ d_o. */
export const wide: Sizes = { tokens: [2, 4], width: 4, heads: 2, keyWidth: 3, valueWidth: 3, outputWidth: 2 };

/**
 * Standard normal data and weights; query and key weights are halved, so that no kernel saturates and B keeps its rank.
 */
export function randomProblem(seed: number, sizes: Sizes = wide): Problem {
  const stream = random(seed);
  const normals = (rows: number, columns: number, scale = 1): number[][] =>
    Array.from({ length: rows }, () => Array.from(stream.normals(columns, scale)));
  const perHead = (rows: number, columns: number, scale = 1): number[][][] =>
    Array.from({ length: sizes.heads }, () => normals(rows, columns, scale));
  return {
    inputs: sizes.tokens.map((tokens) => normals(tokens, sizes.width)),
    targets: sizes.tokens.map((tokens) => normals(tokens, sizes.outputWidth)),
    weights: {
      query: perHead(sizes.width, sizes.keyWidth, 0.5),
      key: perHead(sizes.width, sizes.keyWidth, 0.5),
      value: perHead(sizes.width, sizes.valueWidth),
      output: perHead(sizes.valueWidth, sizes.outputWidth),
    },
  };
}

/**
 * One head, one sample X = diag(scales) whose queries are so far from other keys that the unnormalised Gaussian kernel
 * matrix is exactly the identity: B = diag(scales), W^V = 0, W^O = I, and the residual is -targets.
 */
export function diagonalProblem(scales: readonly number[], targets: number[][]): Problem {
  const square = (entry: (index: number) => number): number[][] =>
    Matrix.diag(scales.map((_, index) => entry(index))).to2DArray();
  return {
    inputs: [square((index) => scales[index])],
    targets: [targets],
    weights: {
      query: [square((index) => (100 * (index + 1)) / scales[index])],
      key: [square((index) => (100 * (index + 1)) / scales[index])],
      value: [square(() => 0)],
      output: [square(() => 1)],
    },
  };
}

export const unnormalizedGaussian = gaussian({ gamma: 1 });

/** Losses f_0 … f_steps of plain gradient descent on W^V alone, written out with ml-matrix. */
export function descendOnValues(problem: Problem, kernel: TiledKernel, stepSize: number, steps: number): number[] {
  const matrices = (list: number[][][]): Matrix[] => list.map((rows) => new Matrix(rows));
  const inputs = matrices(problem.inputs);
  const targets = matrices(problem.targets);
  const [query, key, value, output] = (["query", "key", "value", "output"] as const).map((name) =>
    matrices(problem.weights[name]),
  );
  const mixed = inputs.map((x) => query.map((_, h) => kernelMatrix(kernel, x.mmul(query[h]), x.mmul(key[h])).mmul(x)));

  const losses: number[] = [];
  for (let step = 0; step <= steps; step++) {
    const residuals = targets.map((target, i) =>
      value.reduce((sum, _, h) => sum.add(mixed[i][h].mmul(value[h]).mmul(output[h])), target.clone().mul(-1)),
    );
    losses.push(residuals.reduce((sum, residual) => sum + residual.clone().pow(2).sum() / 2, 0));
    value.forEach((weight, h) => {
      residuals.forEach((residual, i) => {
        const gradient = mixed[i][h].transpose().mmul(residual).mmul(output[h].transpose());
        weight.sub(gradient.mul(stepSize));
      });
    });
  }
  return losses;
}

/**
 * Two samples of two tokens and so many heads that any one of the weights can fit them, with Jacobians of moderate
 * condition.
 */
export const small: Sizes = { tokens: [2, 2], width: 12, heads: 8, keyWidth: 6, valueWidth: 4, outputWidth: 1 };

/** A random problem whose targets lie `distance` away from the outputs, in a random direction. */
export function nearbyProblem(seed: number, kernel: TiledKernel, distance: number, sizes: Sizes = small): Problem {
  const problem = randomProblem(seed, sizes);
  const zero = { ...problem, targets: problem.targets.map((rows) => rows.map((row) => row.map(() => 0))) };
  const outputs = linearize(checkProblem(zero), kernel, new Set(["value"])).residual;
  const direction = random(seed + 1).normals(outputs.length);
  const length = Math.hypot(...direction);
  let index = 0;
  const targets = problem.targets.map((rows) =>
    rows.map((row) => row.map(() => outputs[index] + (distance * direction[index++]) / length)),
  );
  return { ...problem, targets };
}

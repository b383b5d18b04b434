import { finite, having, numbers, oneOf, tensor } from "../core/kinds.js";
import { checkArguments, checkOptions, needed } from "../core/options.js";
import { addScaled, concat, matmul, multiply, reshape, slice, subtract, sum } from "../autograd/ops.js";
import { checkTensors } from "../core/checks.js";
import { NonFiniteError } from "../core/errors.js";
import { tensorsIn, type Tensor } from "../core/tensor.js";
import { solvePositiveDefinite } from "../numerics/cholesky.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import { complex, type ComplexNumbers } from "./complex.js";
import { jacobianKind, type Jacobian } from "./jacobian.js";

/**
 * The least-squares problem of stochastic reconfiguration, min ‖X δ - g‖² + λ‖δ‖². With weights w_s that
 * sum to 1, X has the rows √w_s (O_s - Ō) and g the rows 2√w_s (E_s - Ē), real parts above imaginary parts. Xᵀg
 * is the gradient of the energy, XᵀX the quantum geometric tensor.
 */
export interface LinearProblem {
  /** X [2 rows, P] */
  readonly matrix: Tensor;
  /** g [2 rows, 1] */
  readonly target: Tensor;
}

const problemKind = having<LinearProblem>("a linear problem, as linearProblem() gives", ["matrix", "target"]);

/**
 * Centres and weights the `derivatives` [rows, P] and local `energies` [rows] of distinct configurations. The `weights`
 * [rows] sum to 1, as those of `shares`.
 */
export function linearProblem(derivatives: Jacobian, energies: ComplexNumbers, weights: Float64Array): LinearProblem {
  checkArguments(
    "linearProblem",
    { derivatives, energies, weights },
    { derivatives: jacobianKind, energies: complex, weights: numbers },
  );
  const { re, im } = derivatives;
  checkTensors("linearProblem", { re, im });
  const { backend } = re;
  const rows = weights.length;
  return backend.scope(() => {
    const shares = backend.tensor(weights, [rows, 1]);
    const roots = backend.tensor(weights.map(Math.sqrt), [rows, 1]);
    const centred = (part: Tensor): Tensor =>
      multiply(subtract(part, sum(multiply(part, shares), 0, { keepAxes: true })), roots);
    const column = (values: Float64Array): number[] => {
      const mean = values.reduce((total, value, row) => total + weights[row] * value, 0);
      return Array.from(values, (value, row) => 2 * Math.sqrt(weights[row]) * (value - mean));
    };
    return {
      matrix: concat([centred(re), centred(im)], 0),
      target: backend.tensor([...column(energies.re), ...column(energies.im)], [2 * rows, 1]),
    };
  });
}

/** The gradient of the energy, Xᵀg, [P, 1], of a linear `problem`. */
export function energyGradient(problem: LinearProblem): Tensor {
  checkArguments("energyGradient", { problem }, { problem: problemKind });
  return matmul(problem.matrix, problem.target, { transposeA: true });
}

/** Solves (A + λI) x = b for a symmetric A [size, size], in float64. */
async function solveShifted(gram: Tensor, right: Tensor, shift: number): Promise<Tensor> {
  const [size] = gram.shape;
  const matrix = Float64Array.from(await gram.read());
  for (let i = 0; i < size; i++) {
    // A float32 product may be asymmetric by rounding.
    for (let j = 0; j < i; j++) matrix[i * size + j] = (matrix[i * size + j] + matrix[j * size + i]) / 2;
    matrix[i * size + i] += shift;
  }
  const solution = solvePositiveDefinite(matrix, await right.read());
  if (solution === undefined) {
    throw new NonFiniteError({
      where: "naturalGradient",
      argument: "shift",
      wanted: "a positive definite system",
      got: `one that is not, with shift ${shift}`,
      fix:
        "Raise the shift, which in float32 must exceed the rounding of the largest eigenvalue, or draw more " +
        "samples.",
    });
  }
  return gram.backend.tensor(solution, [size, 1]);
}

/** Options of `naturalGradient`. */
export interface NaturalGradientOptions {
  /** λ. */
  readonly shift: number;
  /** The system to solve: P × P or 2M × 2M. Default the smaller one. */
  readonly side?: "parameters" | "samples";
}

/**
 * The natural gradient δ = (XᵀX + λI)⁻¹ Xᵀ g = Xᵀ (XXᵀ + λI)⁻¹ g, [P, 1], of a linear `problem`, by a Cholesky
 * decomposition of the smaller system in float64.
 *
 * Sources: Sorella, Phys. Rev. Lett. 80, 4558 (1998); for the system over samples Chen & Heyl, arXiv 2302.01941, and
 * Rende et al., arXiv 2310.05715.
 */
export async function naturalGradient(problem: LinearProblem, options: NaturalGradientOptions): Promise<Tensor> {
  checkArguments("naturalGradient", { problem }, { problem: problemKind });
  const { shift, side } = checkOptions("naturalGradient", options, {
    shift: needed(finite),
    side: oneOf("parameters", "samples"),
  });
  const { matrix, target } = problem;
  checkTensors("naturalGradient", { matrix, target });
  const [rows, columns] = matrix.shape;
  const onSamples = (side ?? (columns <= rows ? "parameters" : "samples")) === "samples";
  const gram = matmul(matrix, matrix, onSamples ? { transposeB: true } : { transposeA: true });
  const right = onSamples ? target : energyGradient(problem);
  try {
    const solution = await solveShifted(gram, right, shift);
    if (!onSamples) return solution;
    const direction = matmul(matrix, solution, { transposeA: true });
    solution.dispose();
    return direction;
  } finally {
    gram.dispose();
    if (!onSamples) right.dispose();
  }
}

/**
 * SPRING for a linear `problem`: δ_t = μ δ_{t-1} + (XᵀX + λI)⁻¹ Xᵀ (g - μ X δ_{t-1}). It keeps the part of the last
 * direction that the samples do not determine. Without a last direction, or for μ = 0, it is the natural gradient.
 * Source: Goldshlager, Abrahamsen & Lin, arXiv 2401.10190.
 *
 * @param last δ_{t-1} [P, 1]; undefined in the first step
 * @param momentum μ, from 0 to below 1
 */
export async function springDirection(
  problem: LinearProblem,
  last: Tensor | undefined,
  momentum: number,
  options: NaturalGradientOptions,
): Promise<Tensor> {
  checkArguments("springDirection", { problem, momentum }, { problem: problemKind, momentum: finite });
  if (last === undefined || momentum === 0) return naturalGradient(problem, options);
  const { matrix, target } = problem;
  const rest = matmul(matrix, last);
  const left = addScaled(target, rest, -momentum);
  try {
    const fresh = await naturalGradient({ matrix, target: left }, options);
    const direction = addScaled(fresh, last, momentum);
    fresh.dispose();
    return direction;
  } finally {
    for (const tensor of [rest, left]) tensor.dispose();
  }
}

/**
 * Updates `parameters` in place: θ ← θ - rate · δ, with δ the `direction` [P, 1] in the order of the parameters.
 *
 * @example
 * descend(parameters, await naturalGradient(problem, { shift: 1e-3 }), 0.05);
 */
export function descend(parameters: AnsatzParameters, direction: Tensor, rate: number): void {
  checkArguments("descend", { direction, rate }, { direction: tensor, rate: finite });
  let start = 0;
  for (const parameter of tensorsIn(parameters)) {
    const { backend, shape, size } = parameter;
    const changed = backend.scope(() => addScaled(parameter, reshape(slice(direction, 0, start, size), shape), -rate));
    parameter.assign(changed);
    start += size;
  }
}

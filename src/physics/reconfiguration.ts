import { finite, having, numbers, oneOf, tensor } from "../core/kinds.js";
import { checkArguments, checkOptions, needed } from "../core/options.js";
import { add, addScaled, concat, matmul, multiply, reshape, slice, subtract } from "../autograd/ops.js";
import { checkTensors } from "../core/checks.js";
import { NonFiniteError } from "../core/errors.js";
import { numbersOf } from "../cpu/backend.js";
import { cpu } from "../cpu/cpu.js";
import { tensorsIn, type Tensor } from "../core/tensor.js";
import { solvePositiveDefinite } from "../numerics/cholesky.js";
import { accumulate, gridOf, type Grid } from "../numerics/pair-products.js";
import type { AnsatzParameters } from "./ansatz-parameters.js";
import { complex, type ComplexNumbers } from "./complex.js";
import { jacobianKind, type Jacobian } from "./jacobian.js";

/**
 * The least-squares problem of stochastic reconfiguration, min ‖X δ - g‖² + λ‖δ‖². With weights w_s that
 * sum to 1, X has the rows √w_s (O_s - Ō) and g the rows 2√w_s (E_s - Ē), real parts above imaginary parts. Xᵀg
 * is the gradient of the energy, XᵀX the quantum geometric tensor.
 */
export interface LinearProblem {
  /** X [2 rows, P], cut into blocks of rows [·, P]. */
  readonly blocks: readonly Tensor[];
  /** g [2 rows, 1] */
  readonly target: Tensor;
}

const problemKind = having<LinearProblem>("a linear problem, as linearProblem() gives", ["blocks", "target"]);

const sumOf = (parts: readonly Tensor[]): Tensor => parts.reduce((total, part) => add(total, part));

/** The rows of each block in a column for all blocks. */
function rowsFrom(column: Tensor, blocks: readonly Tensor[]): Tensor[] {
  let start = 0;
  return blocks.map(({ shape: [rows] }) => slice(column, 0, (start += rows) - rows, rows));
}

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
  return re.backend.scope(() => {
    // the CPU would overwrite them
    const own = re.backend === cpu ? { re: multiply(re, 1), im: multiply(im, 1) } : { re, im };
    return problemInBlocks([own], energies, weights);
  });
}

/** Centres and weights blocks on the CPU in place, with the operations of other backends on each number. */
function centredInPlace(blocks: readonly Tensor[], weights: Float64Array): Tensor[] {
  const [, width] = blocks[0].shape;
  let row = 0;
  const means = blocks.map((block) => {
    const [numbers, mean] = [numbersOf(block), new Float64Array(width)];
    for (let at = 0; at < numbers.length; row++)
      for (let column = 0; column < width; column++) mean[column] += weights[row] * numbers[at++];
    return mean;
  });
  const mean = means.reduce((total, part) => total.map((value, column) => value + part[column]));
  row = 0;
  return blocks.map((block) => {
    const numbers = numbersOf(block);
    for (let at = 0; at < numbers.length; row++) {
      const root = Math.sqrt(weights[row]);
      for (let column = 0; column < width; column++, at++) numbers[at] = (numbers[at] - mean[column]) * root;
    }
    return cpu.adopt(numbers, block.shape, "f64");
  });
}

/** `linearProblem` of consecutive blocks of the rows of a Jacobian, whose memory it takes over on the CPU. */
export function problemInBlocks(
  parts: readonly Jacobian[],
  energies: ComplexNumbers,
  weights: Float64Array,
): LinearProblem {
  const { backend } = parts[0].re;
  const rows = weights.length;
  return backend.scope(() => {
    const shares = backend.tensor(weights, [rows, 1]);
    const centred = (blocks: readonly Tensor[]): Tensor[] => {
      if (backend === cpu) return centredInPlace(blocks, weights);
      const roots = backend.tensor(weights.map(Math.sqrt), [rows, 1]);
      const [share, root] = [rowsFrom(shares, blocks), rowsFrom(roots, blocks)];
      const mean = sumOf(blocks.map((block, at) => matmul(share[at], block, { transposeA: true })));
      return blocks.map((block, at) => multiply(subtract(block, mean), root[at]));
    };
    const column = (values: Float64Array): number[] => {
      const mean = values.reduce((total, value, row) => total + weights[row] * value, 0);
      return Array.from(values, (value, row) => 2 * Math.sqrt(weights[row]) * (value - mean));
    };
    return {
      blocks: [...centred(parts.map(({ re }) => re)), ...centred(parts.map(({ im }) => im))],
      target: backend.tensor([...column(energies.re), ...column(energies.im)], [2 * rows, 1]),
    };
  });
}

/** X δ, [2 rows, 1]. */
export function along({ blocks }: Pick<LinearProblem, "blocks">, direction: Tensor): Tensor {
  return blocks[0].backend.scope(() =>
    concat(
      blocks.map((block) => matmul(block, direction)),
      0,
    ),
  );
}

/** Xᵀ y, [P, 1], for a column y [2 rows, 1]. */
function across({ blocks }: Pick<LinearProblem, "blocks">, column: Tensor): Tensor {
  return blocks[0].backend.scope(() => {
    const rows = rowsFrom(column, blocks);
    return sumOf(blocks.map((block, at) => matmul(block, rows[at], { transposeA: true })));
  });
}

/** The gradient of the energy, Xᵀg, [P, 1], of a linear `problem`. */
export function energyGradient(problem: LinearProblem): Tensor {
  checkArguments("energyGradient", { problem }, { problem: problemKind });
  return across(problem, problem.target);
}

/** Rows of a block that are multiplied at once, with all rows of the block up to the last of them. */
const GRAM_ROWS = 64;

/** The lower triangle of XXᵀ in a `matrix` of zeros [size, size], for X [size, P] in consecutive parts. */
function rowProducts(parts: readonly (Float32Array | Float64Array)[], width: number, matrix: Float64Array): void {
  const heights = parts.map((part) => part.length / width);
  const size = heights.reduce((sum, height) => sum + height);
  const into = (start: number, rows: number, columns: number): Grid => {
    return { data: matrix, start, rows, columns, rowStep: size, columnStep: 1 };
  };
  for (let i = 0, top = 0; i < parts.length; top += heights[i++]) {
    const [part, rows] = [parts[i], heights[i]];
    for (let j = 0, left = 0; j < i; left += heights[j++])
      accumulate(
        "product",
        gridOf(part, 0, rows, width),
        gridOf(parts[j], 0, heights[j], width),
        into(top * size + left, rows, heights[j]),
      );
    for (let row = 0; row < rows; row += GRAM_ROWS) {
      const height = Math.min(GRAM_ROWS, rows - row);
      accumulate(
        "product",
        gridOf(part, row * width, height, width),
        gridOf(part, 0, row + height, width),
        into((top + row) * size + top, height, row + height),
      );
    }
  }
}

/** XᵀX, or XXᵀ for `onSamples`, in float64: the lower triangle is set. */
async function gram(blocks: readonly Tensor[], onSamples: boolean): Promise<Float64Array> {
  const { backend } = blocks[0];
  if (!onSamples) {
    const product = backend.scope(() => sumOf(blocks.map((block) => matmul(block, block, { transposeA: true }))));
    const numbers = Float64Array.from(await product.read());
    product.dispose();
    return numbers;
  }
  const size = blocks.reduce((rows, block) => rows + block.shape[0], 0);
  const matrix = new Float64Array(size * size);
  if (backend.device.kind === "cpu") {
    rowProducts(blocks.map(numbersOf), blocks[0].shape[1], matrix);
    return matrix;
  }
  for (let i = 0, top = 0; i < blocks.length; top += blocks[i++].shape[0]) {
    for (let j = 0, left = 0; j <= i; left += blocks[j++].shape[0]) {
      const product = matmul(blocks[i], blocks[j], { transposeB: true });
      const numbers = await product.read();
      const [rows, columns] = product.shape;
      for (let row = 0; row < rows; row++)
        matrix.set(numbers.subarray(row * columns, (row + 1) * columns), (top + row) * size + left);
      product.dispose();
    }
  }
  return matrix;
}

/** Solves (A + λI) x = b in float64 for a symmetric A, of which the lower triangle is read. */
async function solveShifted(matrix: Float64Array, right: Tensor, shift: number): Promise<Tensor> {
  const size = right.size;
  for (let i = 0; i < size; i++) matrix[i * size + i] += shift;
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
  return right.backend.tensor(solution, [size, 1]);
}

/** Options of `naturalGradient`. */
export interface NaturalGradientOptions {
  /** λ. */
  readonly shift: number;
  /** The system to solve: P × P or 2M × 2M. Default the smaller one. */
  readonly side?: "parameters" | "samples";
}

/**
 * The natural gradient δ = (XᵀX + λI)⁻¹ Xᵀ g = Xᵀ (XXᵀ + λI)⁻¹ g, [P, 1], of a linear `problem`, by a
 * Cholesky decomposition of the smaller system in float64.
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
  const { blocks, target } = problem;
  checkTensors("naturalGradient", { target, "blocks[0]": blocks[0] });
  const onSamples = (side ?? (blocks[0].shape[1] <= target.size ? "parameters" : "samples")) === "samples";
  const right = onSamples ? target : energyGradient(problem);
  try {
    const solution = await solveShifted(await gram(blocks, onSamples), right, shift);
    if (!onSamples) return solution;
    const direction = across(problem, solution);
    solution.dispose();
    return direction;
  } finally {
    if (!onSamples) right.dispose();
  }
}

/**
 * SPRING for a linear `problem`: δ_t = μ δ_{t-1} + (XᵀX + λI)⁻¹ Xᵀ (g - μ X δ_{t-1}).
 *
 * It keeps the part of the last direction that the samples do not determine.
 *
 * For μ = 0, or without a last direction, it is the natural gradient.
 *
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
  const { blocks, target } = problem;
  const rest = along(problem, last);
  const left = addScaled(target, rest, -momentum);
  try {
    const fresh = await naturalGradient({ blocks, target: left }, options);
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

import { ArgumentError } from "../core/errors.js";
import { notNegative, positive, whole, wholeNumber } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { random, type Random } from "../core/random.js";
import { isTensor, tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";
import { valueAndGrad } from "./grad.js";

export interface GradcheckOptions {
  /** Random directions for every parameter. Default 3. */
  readonly directions?: number;
  /** Largest relative error that passes. Default 1e-7. */
  readonly tolerance?: number;
  /** Step of the differences along a unit direction. Default 1e-3. */
  readonly step?: number;
  readonly seed?: number;
}

/** One comparison: the slope of the loss along a random unit direction in one parameter. */
export interface GradcheckDirection {
  /** Names from the root of the tree, joined by dots; "" when the tree is one tensor. */
  readonly parameter: string;
  readonly analytic: number;
  readonly numeric: number;
  /** |analytic - numeric| / max(|analytic|, |numeric|, ‖gradient‖/√size). */
  readonly relativeError: number;
  readonly passed: boolean;
}

export interface GradcheckReport {
  readonly passed: boolean;
  readonly tolerance: number;
  readonly seed: number;
  readonly worst: GradcheckDirection;
  readonly directions: readonly GradcheckDirection[];
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.prototype.reduce.call(values, (sum, value) => (sum as number) + (value as number) ** 2, 0) as number);
}

function unitDirection(generator: Random, size: number): Float64Array {
  const direction = generator.normals(size);
  const length = norm(direction);
  return direction.map((value) => value / length);
}

/**
 * Compares the gradient of `loss` with five-point central differences along random directions, in float64.
 *
 * slope ≈ (8[f(h) - f(-h)] - [f(2h) - f(-2h)]) / 12h, with an error of O(h⁴). `parameters` must live on the cpu backend. A difference
 * that the rounding of f can explain (16 ε |f| / h) does not count as an error. Returns a report; never throws on a mismatch.
 */
export async function gradcheck<Parameters extends ParameterTree>(
  loss: (parameters: Parameters) => Tensor,
  parameters: Parameters,
  options: GradcheckOptions = {},
): Promise<GradcheckReport> {
  const kinds = { directions: whole(1), tolerance: notNegative, step: positive, seed: wholeNumber };
  const { directions = 3, tolerance = 1e-7, step = 1e-3, seed = 0 } = checkOptions("gradcheck", options, kinds);
  const tensors = tensorsIn(parameters);
  const gpu = tensors.find((tensor) => tensor.backend.name !== "cpu");
  if (tensors.length === 0 || gpu !== undefined) {
    throw new ArgumentError({
      where: "gradcheck",
      argument: "parameters",
      wanted: "tensors on the cpu backend (float64)",
      got: gpu === undefined ? "no tensor" : `one on ${gpu.backend.device.name}`,
      fix: "Differences need float64: build the parameters with cpu.tensor().",
    });
  }
  const generator = random(seed);
  const { value, gradients } = valueAndGrad(loss, parameters);
  const [center] = await value.read();
  const results: GradcheckDirection[] = [];
  const paths: string[] = [];
  mapTree(parameters, isTensor, (_, path) => paths.push(path.join(".")));
  for (const [index, gradient] of tensorsIn(gradients).entries()) {
    const parameter = tensors[index];
    const [base, slope] = [await parameter.read(), await gradient.read()];
    const floor = norm(slope) / Math.sqrt(parameter.size);
    const at = async (direction: Float64Array, distance: number): Promise<number> => {
      const moved = parameter.backend.tensor(base.map((value, i) => value + distance * direction[i]), parameter.shape);
      const tree = mapTree(parameters, isTensor, (tensor) => (tensor === parameter ? moved : tensor)) as Parameters;
      const [result] = await parameter.backend.scope(() => loss(tree)).read();
      return result;
    };
    for (let count = 0; count < directions; count++) {
      const direction = unitDirection(generator, parameter.size);
      const near = (await at(direction, step)) - (await at(direction, -step));
      const far = (await at(direction, 2 * step)) - (await at(direction, -2 * step));
      const numeric = (8 * near - far) / (12 * step);
      const analytic = direction.reduce((sum, value, i) => sum + value * slope[i], 0);
      const difference = Math.abs(analytic - numeric);
      const rounding = (16 * Number.EPSILON * Math.abs(center)) / step;
      const scale = Math.max(Math.abs(analytic), Math.abs(numeric), floor);
      const relativeError = difference <= rounding ? 0 : difference / scale;
      results.push({ parameter: paths[index], analytic, numeric, relativeError, passed: relativeError <= tolerance });
    }
  }
  const worst = results.reduce((a, b) => (b.passed && b.relativeError <= a.relativeError ? a : b));
  return { passed: results.every((result) => result.passed), tolerance, seed, worst, directions: results };
}

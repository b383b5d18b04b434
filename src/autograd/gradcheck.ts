import { ArgumentError } from "../core/errors.js";
import { notNegative, positive, whole, wholeNumber } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { withText } from "../core/printing.js";
import { random, type Random } from "../core/random.js";
import { isTensor } from "../core/is-tensor.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";
import { valueAndGrad } from "./grad.js";

/** Options of `gradcheck`. */
export interface GradcheckOptions {
  /** Random directions for every parameter. Default 3. */
  readonly directions?: number;
  /** Largest relative error that passes. Default 1e-7. */
  readonly tolerance?: number;
  /** Step of the differences along a unit direction. Default 1e-3. */
  readonly step?: number;
  readonly seed?: number;
}

/** `undetermined` if the differences themselves have lost the digits that the tolerance requires. */
export type GradcheckVerdict = "passed" | "failed" | "undetermined";

/** One comparison: the slope of the loss along a random unit direction in one parameter. */
export interface GradcheckDirection {
  /** Names from the root of the tree, joined by dots; "" when the tree is one tensor. */
  readonly parameter: string;
  readonly analytic: number;
  readonly numeric: number;
  /**
   * |analytic - numeric| / max(|analytic|, |numeric|, ‖gradient‖/√size); 0 if allowed rounding explains the
   * difference.
   */
  readonly relativeError: number;
  /**
   * The part of the relative error that rounding may cause: 16 ε |f| / step from f, and ε max|θ| √size / step from
   * the moved parameters.
   */
  readonly resolution: number;
  readonly verdict: GradcheckVerdict;
  readonly passed: boolean;
}

/** What `gradcheck` found: the verdict, and the direction with the largest error. */
export interface GradcheckReport {
  /** Failed if a direction did, else undetermined if one is. */
  readonly verdict: GradcheckVerdict;
  readonly passed: boolean;
  readonly tolerance: number;
  readonly seed: number;
  readonly worst: GradcheckDirection;
  readonly directions: readonly GradcheckDirection[];
}

function norm(values: ArrayLike<number>): number {
  return Math.sqrt(
    Array.prototype.reduce.call(values, (sum, value) => (sum as number) + (value as number) ** 2, 0) as number,
  );
}

function unitDirection(generator: Random, size: number): Float64Array {
  const direction = generator.normals(size);
  const length = norm(direction);
  return direction.map((value) => value / length);
}

/**
 * Compares the gradient of `loss` with five-point central differences along random directions, in float64.
 *
 * slope ≈ (8[f(h) - f(-h)] - [f(2h) - f(-2h)]) / 12h, with an error of O(h⁴). `parameters` must be on the cpu
 * backend. If rounding may exceed the tolerance, a direction that does not fail is undetermined, which does not count
 * as passed. Then subtract constants from the loss, or use a larger step or tolerance. The error of a gradient that is
 * zero up to rounding (16 ε of the largest one) is relative to the largest one. Returns a report; never throws on a
 * mismatch.
 *
 * @example
 * const { passed, worst } = await gradcheck(({ w }) => ops.mean(ops.square(ops.matmul(x, w))), { w });
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
  const { gradients } = valueAndGrad(loss, parameters);
  const results: GradcheckDirection[] = [];
  const paths: string[] = [];
  mapTree(parameters, isTensor, (_, path) => paths.push(path.join(".")));
  const slopes = await Promise.all(tensorsIn(gradients).map((gradient) => gradient.read()));
  const floors = slopes.map((slope) => norm(slope) / Math.sqrt(slope.length));
  const largest = floors.reduce((a, b) => Math.max(a, b));
  for (const [index, slope] of slopes.entries()) {
    const parameter = tensors[index];
    const base = await parameter.read();
    const at = async (direction: Float64Array, distance: number): Promise<number> => {
      const moved = parameter.backend.tensor(
        base.map((value, i) => value + distance * direction[i]),
        parameter.shape,
      );
      let place = 0; // one tensor may stand in several places; one of them moves
      const tree = mapTree(parameters, isTensor, (tensor) => (place++ === index ? moved : tensor)) as Parameters;
      const [result] = await parameter.backend.scope(() => loss(tree)).read();
      return result;
    };
    const inParameter =
      (Number.EPSILON *
        Float64Array.from(base).reduce((most, x) => Math.max(most, Math.abs(x)), 0) *
        Math.sqrt(base.length)) /
      step;
    for (let count = 0; count < directions; count++) {
      const direction = unitDirection(generator, parameter.size);
      const [ahead, behind, far, farBehind] = [
        await at(direction, step),
        await at(direction, -step),
        await at(direction, 2 * step),
        await at(direction, -2 * step),
      ];
      const numeric = (8 * (ahead - behind) - (far - farBehind)) / (12 * step);
      const analytic = direction.reduce((sum, value, i) => sum + value * slope[i], 0);
      const rounding = (16 * Number.EPSILON * Math.max(...[ahead, behind, far, farBehind].map(Math.abs))) / step;
      const scale = Math.max(Math.abs(analytic), Math.abs(numeric), floors[index]);
      const isZero = floors[index] <= 16 * Number.EPSILON * largest && Math.abs(numeric) <= rounding;
      const resolution = (rounding === 0 ? 0 : rounding / (isZero ? Math.max(largest, scale) : scale)) + inParameter;
      const difference = Math.abs(analytic - numeric);
      const judged = judge({ difference, scale, rounding, resolution, tolerance });
      results.push({
        parameter: paths[index],
        analytic,
        numeric,
        resolution,
        ...judged,
        passed: judged.verdict === "passed",
      });
    }
  }
  const worst = results.reduce((a, b) => (isWorse(b, a) ? b : a));
  const report = { verdict: worst.verdict, passed: worst.passed, tolerance, seed, worst, directions: results };
  const where = worst.parameter === "" ? "" : ` in ${worst.parameter}`;
  const rounding =
    worst.verdict === "undetermined" ? `, of which rounding may be ${worst.resolution.toPrecision(2)}` : "";
  return withText(
    report,
    () =>
      `gradcheck ${worst.verdict}: worst relative error ` +
      `${worst.relativeError.toPrecision(2)}${where}${rounding} (tolerance ${tolerance})`,
  );
}

type Comparison = Readonly<Record<"difference" | "scale" | "rounding" | "resolution" | "tolerance", number>>;

function judge({
  difference,
  scale,
  rounding,
  resolution,
  tolerance,
}: Comparison): Pick<GradcheckDirection, "relativeError" | "verdict"> {
  const relativeError = difference === 0 ? 0 : difference / scale;
  const isExplained = difference <= rounding;
  if (!(resolution <= tolerance))
    return {
      relativeError,
      verdict: isExplained || relativeError <= resolution + tolerance ? "undetermined" : "failed",
    };
  if (isExplained) return { relativeError: 0, verdict: "passed" };
  return { relativeError, verdict: relativeError <= tolerance ? "passed" : "failed" };
}

const severity: readonly GradcheckVerdict[] = ["passed", "undetermined", "failed"];

/** Whether a is worse than b: by the verdict first, then by the larger error or an error of NaN. */
function isWorse(a: GradcheckDirection, b: GradcheckDirection): boolean {
  if (a.verdict !== b.verdict) return severity.indexOf(a.verdict) > severity.indexOf(b.verdict);
  return a.relativeError > b.relativeError || Number.isNaN(a.relativeError);
}

import { concat, reshape } from "../autograd/ops.js";
import { anyNumber, callable, finite, listOf, positive, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { moved } from "../numerics/vectors.js";
import { checkVectors, treeKind, treeOf, vectorKind } from "./vectors.js";

/** A loss of parameters: one number. */
export type Loss<Parameters extends ParameterTree> = (parameters: Parameters) => Tensor;

/** Losses that are queued on the device before a read. */
const BATCH = 16;

/**
 * The loss at `center + Σ_i scales[i] directions[i]` for every row of scales. Points are evaluated in batches with one
 * read per batch.
 *
 * `parameters` determines shapes and backend; its numbers do not change.
 */
export async function lossesAt<Parameters extends ParameterTree>(
  loss: Loss<Parameters>,
  parameters: Parameters,
  center: Float64Array,
  directions: readonly Float64Array[],
  points: readonly (readonly number[])[],
): Promise<number[]> {
  const { backend } = tensorsIn(parameters)[0];
  const losses: number[] = [];
  for (let start = 0; start < points.length; start += BATCH) {
    const batch = points.slice(start, start + BATCH);
    const values = backend.scope(() =>
      concat(
        batch.map((scales) =>
          backend.scope(() => reshape(loss(treeOf(moved(center, directions, scales), parameters)), [1])),
        ),
        0,
      ),
    );
    losses.push(...(await values.read()));
    values.dispose();
  }
  return losses;
}

/** Loss on a grid of a plane: `losses[i * y.length + j]` at `(x[i], y[j])`. */
export interface Surface {
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly losses: readonly number[];
}

/** `count` evenly spaced numbers from `low` to `high`, inclusive. */
export function evenly(low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => low + ((high - low) * index) / (count - 1));
}

/** Where `lossSurface` evaluates a loss. */
export interface Plane {
  /** All numbers of the parameters at scales 0, as `readVector` gives them. */
  readonly center: Float64Array;
  /** Two directions of as many numbers. */
  readonly directions: readonly [Float64Array, Float64Array];
  /** Scales of the first direction, and of the second. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

const scales = listOf(finite, "finite numbers");
const planeKinds: Kinds<Plane> = {
  center: needed(vectorKind),
  directions: needed(listOf(vectorKind, "two directions") as Kind<Plane["directions"]>),
  x: needed(scales),
  y: needed(scales),
};

/**
 * The loss on a plane of parameters: f(center + x d₁ + y d₂) for every pair of scales.
 *
 * The two directions show two of very many dimensions, of one model: another pair may look different.
 *
 * @param loss a synchronous function of the parameters that returns one number
 * @param parameters determines shapes and backend; its numbers neither matter nor change
 * @param plane its middle, its directions and the scales along them
 * @throws ShapeError for a middle or directions of another length than the parameters
 * @example
 * const center = await readVector(parameters);
 * const directions = [1, 2].map((seed) => filterNormalizedDirection(parameters, center, random(seed)));
 * const { losses } = await lossSurface(loss, parameters, { center, directions, x: [-1, 0, 1], y: [-1, 0, 1] });
 */
export async function lossSurface<Parameters extends ParameterTree>(
  loss: Loss<Parameters>,
  parameters: Parameters,
  plane: Plane,
): Promise<Surface> {
  const where = "lossSurface";
  checkArguments(where, { loss, parameters }, { loss: callable, parameters: treeKind });
  const { center, directions, x, y } = checkOptions(where, plane, planeKinds, "plane");
  checkVectors(where, parameters, { "plane.center": [center], "plane.directions": directions });
  const points = x.flatMap((a) => y.map((b) => [a, b] as const));
  return { x, y, losses: await lossesAt(loss, parameters, center, directions, points) };
}

/** The roughness of a function along a line of evenly spaced points. */
export interface Roughness {
  /** Root mean square of the second derivative, by second differences. */
  readonly curvature: number;
  /** Share of inner points at which the function is concave. */
  readonly concave: number;
  /** Total variation in excess of a function with a single minimum and the same end values. */
  readonly excessVariation: number;
}

/**
 * Roughness of values at three or more points that are `spacing` apart.
 *
 * @param values a loss along a line
 * @param spacing the distance of two points
 */
export function roughness(values: readonly number[], spacing: number): Roughness {
  checkArguments("roughness", { values, spacing }, { values: listOf(anyNumber, "numbers"), spacing: positive });
  const second = values.slice(2).map((value, index) => (value - 2 * values[index + 1] + values[index]) / spacing ** 2);
  const variation = values.slice(1).reduce((sum, value, index) => sum + Math.abs(value - values[index]), 0);
  const lowest = Math.min(...values);
  return {
    curvature: Math.sqrt(second.reduce((sum, value) => sum + value ** 2, 0) / second.length),
    concave: second.filter((value) => value < 0).length / second.length,
    excessVariation: variation - (values[0] - lowest) - (values[values.length - 1] - lowest),
  };
}

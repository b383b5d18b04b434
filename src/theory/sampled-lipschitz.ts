import { random, type Random } from "../core/random.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { linearize, moveWeights, type Operator } from "./linearization.js";
import type { CheckedProblem, WeightName } from "./problem.js";

/** Random points of the ball at which the ascent starts, besides its centre. */
const PLACES = 4;
/**
 * Rounds of ascent. A round replaces a by the direction in which J'[a] is largest. The estimate hardly changes after
 * three.
 */
const ROUNDS = 4;
/** Products with J'[a]ᵀJ'[a] in each round. */
const PRODUCTS = 6;
/** Step of the difference quotient relative to the weights: the cube root of ε balances truncation and rounding. */
const STEP = Math.cbrt(Number.EPSILON);

interface Place {
  readonly problem: CheckedProblem;
  readonly kernel: TiledKernel;
  readonly trainable: ReadonlySet<WeightName>;
}

function normalised(vector: Float64Array): Float64Array {
  const length = Math.hypot(...vector);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** The difference quotient of the Jacobian along a unit direction. Its norm is at most L_J on the segment. */
function difference({ problem, kernel, trainable }: Place, direction: Float64Array, step: number): Operator {
  const [ahead, behind] = [step, -step].map(
    (scale) => linearize(moveWeights(problem, trainable, direction, scale), kernel, trainable).jacobian,
  );
  const quotient = (a: Float64Array, b: Float64Array): Float64Array =>
    a.map((value, index) => (value - b[index]) / (2 * step));
  return {
    rows: ahead.rows,
    columns: ahead.columns,
    apply: (vector) => quotient(ahead.apply(vector), behind.apply(vector)),
    adjoint: (vector) => quotient(ahead.adjoint(vector), behind.adjoint(vector)),
  };
}

/** Maximises `‖J'(θ)[a]‖` over unit directions a by ascent. Every value on the way is a lower bound of L_J. */
function climb(place: Place, source: Random, columns: number, step: number): number {
  let direction = normalised(source.normals(columns));
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const { apply, adjoint } = difference(place, direction, step);
    let right = normalised(source.normals(columns));
    for (let product = 0; product < PRODUCTS; product++) {
      const image = apply(right);
      best = Math.max(best, Math.hypot(...image));
      right = normalised(adjoint(image));
    }
    direction = right;
  }
  return best;
}

/**
 * The largest `‖J(θ) - J(θ')‖ / ‖θ - θ'‖` found at the centre of the ball and at a few random points in it.
 * This is a lower bound of the Lipschitz constant, not a proof of it. The search ends once a value exceeds `enough`.
 */
export function sampledLipschitz(
  problem: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
  {
    radius,
    enough = Infinity,
    seed = 1,
  }: { readonly radius: number; readonly enough?: number; readonly seed?: number },
): number {
  const source = random(seed);
  const { jacobian } = linearize(problem, kernel, trainable);
  const names = [...trainable];
  const size = Math.max(...problem.heads.flatMap((head) => names.map((name) => head[name].norm("frobenius"))));
  const step = STEP * Math.max(size, Number.MIN_VALUE);
  let largest = climb({ problem, kernel, trainable }, source, jacobian.columns, step);
  for (let place = 0; place < PLACES && largest <= enough; place++) {
    const direction = normalised(source.normals(jacobian.columns));
    const moved = moveWeights(problem, trainable, direction, radius * source.uniform());
    largest = Math.max(largest, climb({ problem: moved, kernel, trainable }, source, jacobian.columns, step));
  }
  return largest;
}

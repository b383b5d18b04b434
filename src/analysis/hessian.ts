import { valueAndGrad } from "../autograd/grad.js";
import { NonFiniteError } from "../core/errors.js";
import type { Random } from "../core/random.js";
import { disposeTree, tensorsIn, type ParameterTree } from "../core/tensor.js";
import type { Loss } from "./landscape.js";
import { tridiagonalEigen } from "./tridiagonal.js";
import { dot, moved, norm, readVector, treeOf } from "./vectors.js";

/** Unit round-off distances of the two backends: float64 and float32. */
const EPSILON = { cpu: Number.EPSILON, gpu: 2 ** -23 } as const;

async function gradientAt<Parameters extends ParameterTree>(loss: Loss<Parameters>, parameters: Parameters, place: Float64Array): Promise<Float64Array> {
  const { backend } = tensorsIn(parameters)[0];
  const gradients = backend.scope(() => valueAndGrad(loss, treeOf(place, parameters)).gradients);
  const vector = await readVector(gradients);
  disposeTree(gradients);
  return vector;
}

/**
 * The product of the loss's Hessian at `center` with a direction v: `(∇f(θ + hv) - ∇f(θ - hv)) / 2h`, with `h‖v‖ = √ε (1 + ‖θ‖)`.
 *
 * Rounding of the gradient adds about ε‖∇f‖/h; truncation, third derivatives times h²/6.
 */
export function hessianProduct<Parameters extends ParameterTree>(
  loss: Loss<Parameters>,
  parameters: Parameters,
  center: Float64Array,
): (direction: Float64Array) => Promise<Float64Array> {
  const { backend } = tensorsIn(parameters)[0];
  const reach = Math.sqrt(EPSILON[backend.name]) * (1 + norm(center));
  return async (direction) => {
    const step = reach / norm(direction);
    const [ahead, behind] = [await gradientAt(loss, parameters, moved(center, [direction], [step])), await gradientAt(loss, parameters, moved(center, [direction], [-step]))];
    return ahead.map((value, index) => (value - behind[index]) / (2 * step));
  };
}

/** Ritz values of a symmetric operator: `largest` is at most its largest eigenvalue, `smallest` at least its smallest. */
export interface ExtremeEigenvalues {
  readonly largest: number;
  readonly smallest: number;
  /** `‖A y - largest·y‖` of the Ritz vector y: an eigenvalue lies this near to `largest`. */
  readonly residual: number;
  readonly products: number;
}

/** Below this share of the operator's size a new direction is rounding, and the Krylov space is complete. */
const EXHAUSTED = 1e-12;

/**
 * Extreme eigenvalues of a symmetric operator by the Lanczos iteration with full reorthogonalisation, from a random start.
 *
 * Source: Lanczos, J. Res. Natl. Bur. Stand. 45, 1950; on Hessians of networks: Ghorbani, Krishnan and Xiao, arXiv 1901.10159.
 * @throws NonFiniteError when a product is not finite.
 */
export async function lanczos(
  product: (vector: Float64Array) => Promise<Float64Array>,
  size: number,
  { products, random }: { readonly products: number; readonly random: Random },
): Promise<ExtremeEigenvalues> {
  const basis: Float64Array[] = [];
  const diagonal: number[] = [];
  const beside: number[] = [];
  const start = random.normals(size);
  let next = start.map((value) => value / norm(start));
  for (let step = 0; step < Math.min(products, size); step++) {
    basis.push(next);
    let rest = await product(next);
    const alpha = dot(rest, next);
    if (!Number.isFinite(alpha)) throw new NonFiniteError({ where: "lanczos", argument: "product", wanted: "finite numbers", got: String(alpha) });
    diagonal.push(alpha);
    // twice is enough (Parlett)
    for (let pass = 0; pass < 2; pass++) for (const vector of basis) rest = moved(rest, [vector], [-dot(rest, vector)]);
    const beta = norm(rest);
    beside.push(beta);
    if (beta <= EXHAUSTED * Math.max(...diagonal.map(Math.abs), ...beside)) break;
    next = rest.map((value) => value / beta);
  }
  const count = diagonal.length;
  const { values, vectors } = tridiagonalEigen(diagonal, beside);
  const largest = Math.max(...values);
  const last = vectors.get(count - 1, values.indexOf(largest));
  return { largest, smallest: Math.min(...values), residual: Math.abs(beside[count - 1] * last), products: count };
}

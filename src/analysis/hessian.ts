import { valueAndGrad } from "../autograd/grad.js";
import { disposeTree, tensorsIn, type ParameterTree } from "../core/tensor.js";
import { moved, norm } from "../numerics/vectors.js";
import type { Loss } from "./landscape.js";
import { readVector, treeOf } from "./vectors.js";

/** Machine epsilon of each backend: float64 on the CPU, float32 on a GPU. */
const EPSILON = { cpu: Number.EPSILON, gpu: 2 ** -23 } as const;

async function gradientAt<Parameters extends ParameterTree>(
  loss: Loss<Parameters>,
  parameters: Parameters,
  place: Float64Array,
): Promise<Float64Array> {
  const { backend } = tensorsIn(parameters)[0];
  const gradients = backend.scope(() => valueAndGrad(loss, treeOf(place, parameters)).gradients);
  const vector = await readVector(gradients);
  disposeTree(gradients);
  return vector;
}

/**
 * The product of the loss's Hessian at `center` with a direction v: `(∇f(θ + hv) - ∇f(θ - hv)) / 2h`, with
 * `h‖v‖ = √ε (1 + ‖θ‖)`.
 *
 * Rounding of the gradient adds an error of about ε‖∇f‖/h; truncation adds third derivatives times h²/6.
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
    const [ahead, behind] = [
      await gradientAt(loss, parameters, moved(center, [direction], [step])),
      await gradientAt(loss, parameters, moved(center, [direction], [-step])),
    ];
    return ahead.map((value, index) => (value - behind[index]) / (2 * step));
  };
}

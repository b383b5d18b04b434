import { valueAndGrad } from "../autograd/grad.js";
import { ArgumentError } from "../core/errors.js";
import { having, positive } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { clipGradients } from "./clip.js";
import type { Optimizer } from "./make-optimizer.js";

/** Options of `trainStep`. */
export interface TrainStepOptions {
  /** The largest norm of all gradients together, as in `clipGradients`. Default: none. */
  readonly clip?: number;
}

const optimizerKind = having<Optimizer>("an optimiser, as adam({ learningRate })", ["step", "state"]);

/**
 * One step of training: the loss, its gradients, and a step of the optimiser. Frees every tensor that it makes, but the
 * optimiser's state.
 *
 * The step is queued when the call returns; the promise is of the loss before the step. Not every loss needs to be
 * awaited.
 *
 * @param optimizer changes the parameters
 * @param parameters a tree of tensors, changed in place
 * @param loss a synchronous function of the parameters that returns one number
 * @throws what `valueAndGrad` and `optimizer.step` throw
 * @example
 * for (const { ids, labels } of batches) {
 *   const loss = await trainStep(optimizer, parameters, (p) => ops.crossEntropy(model.apply(p, ids), labels));
 * }
 */
export function trainStep<Parameters extends ParameterTree>(
  optimizer: Optimizer,
  parameters: Parameters,
  loss: (parameters: Parameters) => Tensor,
  options: TrainStepOptions = {},
): Promise<number> {
  const { clip } = checkOptions("trainStep", options, { clip: positive });
  checkArguments("trainStep", { optimizer }, { optimizer: optimizerKind });
  const first = tensorsIn(parameters)[0];
  if (first === undefined)
    throw new ArgumentError({ where: "trainStep", argument: "parameters", wanted: "at least one tensor", got: "none" });
  const value = first.backend.scope(() => {
    const result = valueAndGrad(loss, parameters);
    const { gradients } = clip === undefined ? result : clipGradients(result.gradients, clip);
    optimizer.step(parameters, gradients);
    return result.value;
  });
  return value
    .read()
    .then(([number]) => number)
    .finally(() => value.dispose());
}

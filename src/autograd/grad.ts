import { describe, callable, isPromise } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { formatShape } from "../core/shape.js";
import { isTensor } from "../core/is-tensor.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";
import { accumulate } from "./cast.js";
import { isRecording, recording, Tape, view } from "./tape.js";

/**
 * The value of `loss(parameters)` and its gradient with respect to every tensor in `parameters`.
 *
 * `loss` must be a synchronous function that returns one number (a tensor of size 1). The gradients come as the same
 * tree of names as the parameters, with the same shapes; a parameter that the loss does not use gets zeros. If one
 * tensor has several names, each name gets the partial derivative by its use under that name, and their sum is the
 * derivative by the tensor. Nothing is read back: on a GPU the call queues work and returns. Intermediate tensors are
 * freed before it returns.
 *
 * Calls nest. Throws an `UnsupportedError` for a second derivative that does not exist, such as that of attention.
 *
 * @example
 * const { value, gradients } = valueAndGrad(({ w }) => ops.meanSquaredError(ops.matmul(x, w), y), { w });
 * await gradients.w.read(); // the shape is that of w
 */
export function valueAndGrad<Parameters extends ParameterTree>(
  loss: (parameters: Parameters) => Tensor,
  parameters: Parameters,
): { value: Tensor; gradients: Parameters } {
  checkArguments("valueAndGrad", { loss }, { loss: callable });
  const first = tensorsIn(parameters)[0];
  if (first === undefined) {
    throw new ArgumentError({
      where: "valueAndGrad",
      argument: "parameters",
      wanted: "at least one tensor",
      got: "none",
    });
  }
  const body = (): { value: Tensor; gradients: Parameters } => {
    const own = withOwnTensors(parameters);
    const tape = new Tape(tensorsIn(own));
    const value = recording(tape, () => loss(own));
    if (!isTensor(value)) {
      throw new ArgumentError({
        where: "valueAndGrad",
        argument: "loss",
        wanted: "a synchronous function that returns one number as a tensor",
        got: `one that returns ${describe(value)}`,
        fix: isPromise(value)
          ? "Leave await and read() out of it, and read the value that valueAndGrad returns."
          : "Compute it from the parameters by ops and return the tensor.",
      });
    }
    if (value.size !== 1) {
      throw new ShapeError({
        where: "valueAndGrad",
        argument: "loss",
        wanted: "one number",
        got: formatShape(value.shape),
        fix: "Reduce it with sum() or mean().",
      });
    }
    const one = value.backend.full(1, value.shape, { dtype: value.dtype });
    const cotangents = tape.pull(value, one, accumulate);
    const gradients = mapTree(
      own,
      isTensor,
      (parameter) =>
        cotangents.get(parameter) ?? parameter.backend.full(0, parameter.shape, { dtype: parameter.dtype }),
    ) as Parameters;
    return { value, gradients };
  };
  // Inside another valueAndGrad the intermediate tensors belong to its tape, and end with it.
  return isRecording() ? body() : first.backend.scope(body);
}

/** The same tree with a tensor of its own under every name: a further name of a tensor gets a view of it. */
function withOwnTensors<Parameters extends ParameterTree>(parameters: Parameters): Parameters {
  const tensors = tensorsIn(parameters);
  const seen = new Set<Tensor>();
  if (new Set(tensors).size === tensors.length) return parameters;
  return mapTree(parameters, isTensor, (tensor) => {
    if (seen.has(tensor)) return view(tensor, tensor.shape);
    seen.add(tensor);
    return tensor;
  }) as Parameters;
}

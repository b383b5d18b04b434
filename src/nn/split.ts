import { ArgumentError } from "../core/errors.js";
import { callable, record } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { isTensor, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

/** Tensors by their names from the root of a tree, joined by dots. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/**
 * Chooses which parameters train: those for which `isTrained(path)` holds.
 *
 * `valueAndGrad((moving) => loss(merge(moving, frozen)), trained)` then gives gradients for these alone.
 */
export function split<Parameters extends ParameterTree>(
  parameters: Parameters,
  isTrained: (path: readonly string[]) => boolean,
): { trained: NamedTensors; frozen: Parameters } {
  checkArguments("split", { isTrained }, { isTrained: callable });
  const trained: Record<string, Tensor> = {};
  mapTree(parameters, isTensor, (tensor, path) => {
    if (isTrained(path)) trained[path.join(".")] = tensor;
  });
  if (Object.keys(trained).length === 0) {
    throw new ArgumentError({
      where: "split",
      argument: "isTrained",
      wanted: "a rule that chooses at least one parameter",
      got: "one that chooses none",
    });
  }
  return { trained, frozen: parameters };
}

/** The tree `frozen` with the tensors of `trained` at their places. */
export function merge<Parameters extends ParameterTree>(trained: NamedTensors, frozen: Parameters): Parameters {
  checkArguments("merge", { trained }, { trained: record });
  return mapTree(frozen, isTensor, (tensor, path) => trained[path.join(".")] ?? tensor) as Parameters;
}

import { ArgumentError } from "../core/errors.js";
import { callable, record } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { isTensor } from "../core/is-tensor.js";
import type { ParameterTree, Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

/** Tensors by their path from the root of a tree, with names joined by dots. */
export type NamedTensors = Readonly<Record<string, Tensor>>;

/**
 * Selects the parameters to train: those for which `isTrained(path)` is true, with `path` the names from the root.
 *
 * @example
 * const { trained, frozen } = splitParameters(parameters, (path) => path.includes("attention"));
 * const { gradients } = valueAndGrad((moving) => loss(mergeParameters(moving, frozen)), trained);
 */
export function splitParameters<Parameters extends ParameterTree>(
  parameters: Parameters,
  isTrained: (path: readonly string[]) => boolean,
): { trained: NamedTensors; frozen: Parameters } {
  checkArguments("splitParameters", { isTrained }, { isTrained: callable });
  const trained: Record<string, Tensor> = {};
  mapTree(parameters, isTensor, (tensor, path) => {
    if (isTrained(path)) trained[path.join(".")] = tensor;
  });
  if (Object.keys(trained).length === 0) {
    throw new ArgumentError({
      where: "splitParameters",
      argument: "isTrained",
      wanted: "a rule that selects at least one parameter",
      got: "one that selects none",
    });
  }
  return { trained, frozen: parameters };
}

/** The tree `frozen` with the tensors of `trained` at their paths. */
export function mergeParameters<Parameters extends ParameterTree>(
  trained: NamedTensors,
  frozen: Parameters,
): Parameters {
  checkArguments("mergeParameters", { trained }, { trained: record });
  return mapTree(frozen, isTensor, (tensor, path) => trained[path.join(".")] ?? tensor) as Parameters;
}

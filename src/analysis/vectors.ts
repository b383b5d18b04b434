import { isTensor } from "../core/is-tensor.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

/** Reads all numbers of a tree of tensors, in tree order. */
export async function readVector(tree: ParameterTree): Promise<Float64Array> {
  const parts = await Promise.all(tensorsIn(tree).map((tensor) => tensor.read()));
  const vector = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    vector.set(part, at);
    at += part.length;
  }
  return vector;
}

/** Makes tensors in the shapes of `tree` from the numbers of `vector`. The inverse of `readVector`. */
export function treeOf<Parameters extends ParameterTree>(vector: Float64Array, tree: Parameters): Parameters {
  let at = 0;
  return mapTree(tree, isTensor, (tensor: Tensor) => {
    const part = vector.subarray(at, (at += tensor.size));
    return tensor.backend.tensor(part, tensor.shape);
  }) as Parameters;
}

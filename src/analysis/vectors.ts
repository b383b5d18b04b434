import { ShapeError } from "../core/errors.js";
import { isTensor } from "../core/is-tensor.js";
import { having, type Kind } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

/** A tree with at least one tensor. */
export const treeKind: Kind<ParameterTree> = {
  wanted: "a tree with tensors",
  holds: (value): value is ParameterTree => typeof value === "object" && tensorsIn(value).length > 0,
};

/** All numbers of a tree. */
export const vectorKind = having<Float64Array>("a Float64Array, as readVector gives", ["BYTES_PER_ELEMENT", "length"]);

/**
 * Reads all numbers of a tree of tensors, in tree order.
 *
 * @param tree parameters or gradients
 */
export async function readVector(tree: ParameterTree): Promise<Float64Array> {
  checkArguments("readVector", { tree }, { tree: treeKind });
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

/** @throws ShapeError for vectors that do not have the numbers of a tree. */
export function checkVectors(
  where: string,
  tree: ParameterTree,
  vectors: Readonly<Record<string, readonly Float64Array[]>>,
): void {
  const size = tensorsIn(tree).reduce((sum, tensor) => sum + tensor.size, 0);
  for (const [argument, own] of Object.entries(vectors)) {
    const wrong = own.find(({ length }) => length !== size);
    if (wrong !== undefined)
      throw new ShapeError({ where, argument, wanted: `${size} numbers, as parameters has`, got: `${wrong.length}` });
  }
}

import { add, divide, max, multiply, reshape, concat, sqrt, square, sum } from "../autograd/ops.js";
import { isTensor } from "../core/is-tensor.js";
import { ArgumentError } from "../core/errors.js";
import { positive } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

/**
 * Gradients scaled to a norm of at most `most`: g · min(1, most / ‖g‖), ‖g‖ the norm of all of them together (Pascanu et
 * al., arXiv 1211.5063). Nothing is read back to JavaScript.
 *
 * NaN or infinity in one gradient reaches all of them, so that it stays visible.
 *
 * @param gradients a tree, as `valueAndGrad` gives it; it stays as it is
 * @param most the largest norm, above 0
 * @returns the scaled tree, and ‖g‖ [1] before
 */
export function clipGradients<Gradients extends ParameterTree>(
  gradients: Gradients,
  most: number,
): { gradients: Gradients; norm: Tensor } {
  checkArguments("clipGradients", { most }, { most: positive });
  const tensors = tensorsIn(gradients);
  if (tensors.length === 0)
    throw new ArgumentError({
      where: "clipGradients",
      argument: "gradients",
      wanted: "at least one tensor",
      got: "none",
    });
  return tensors[0].backend.scope(() => {
    const squares = tensors.map((tensor) => reshape(sum(square(tensor)), [1]));
    const norm = sqrt(squares.reduce((total, next) => add(total, next)));
    const limit = norm.backend.full(most, [1]);
    // most / max(norm, most), which is 1 for a zero gradient
    const bound = max(concat([norm, limit], 0));
    const factor = divide(limit, bound);
    return { gradients: mapTree(gradients, isTensor, (tensor) => multiply(tensor, factor)) as Gradients, norm };
  });
}

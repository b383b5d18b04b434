import { where } from "../autograd/arithmetic.js";
import { abs, add, concat, divide, max, multiply, reshape, sqrt, square, sum } from "../autograd/ops.js";
import { isTensor } from "../core/is-tensor.js";
import { ArgumentError } from "../core/errors.js";
import { positive } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { scope, tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

/** Dividing by up to this part of the largest float32 is accurate in WGSL, which promises it up to 2^126. */
const PART = 1 / 16;

/**
 * ‖g‖ [1] of all tensors together. In units of the largest |g|, since squares of large or small numbers leave
 * float32.
 */
function commonNorm(tensors: readonly Tensor[]): Tensor {
  return scope(() => {
    const peaks = tensors.map((tensor) => scope(() => reshape(max(abs(tensor)), [1])));
    const part = multiply(max(concat(peaks, 0), 0, { keepAxes: true }), PART);
    const unit = where(part, part, 1);
    const squares = tensors.map((tensor) => scope(() => reshape(sum(square(divide(tensor, unit))), [1])));
    return multiply(unit, sqrt(squares.reduce((total, next) => add(total, next))));
  });
}

/**
 * Gradients scaled to a norm of at most `most`: g · min(1, most / ‖g‖), ‖g‖ the norm of all of them together
 * (Pascanu et al., arXiv 1211.5063). A tensor counts once for each of its names. Nothing is read back to JavaScript.
 *
 * NaN or infinity in one gradient makes all of them and the norm NaN. If ‖g‖ or most / ‖g‖ leaves the backend's
 * range, all gradients are NaN.
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
    const norm = commonNorm(tensors);
    const limit = norm.backend.full(most, [1]);
    // most / max(norm, most), which is 1 for a zero gradient
    const share = divide(limit, max(concat([norm, limit], 0)));
    const factor = where(share, share, NaN); // a share of 0 would hide what is too large
    return { gradients: mapTree(gradients, isTensor, (tensor) => multiply(tensor, factor)) as Gradients, norm };
  });
}

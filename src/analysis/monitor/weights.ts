import { subtract } from "../../autograd/arithmetic.js";
import { isTensor } from "../../core/is-tensor.js";
import { sameShape } from "../../core/shape.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../../core/tensor.js";
import { mapTree } from "../../core/tree.js";
import { norm } from "../../numerics/vectors.js";
import type { Reader } from "./look.js";
import type { WeightRecord } from "./records.js";

/** The tensors of a tree by the names that lead to them, joined by dots. */
export function namesIn(tree: ParameterTree): Map<string, Tensor> {
  const found = new Map<string, Tensor>();
  mapTree(tree, isTensor, (tensor, path) => found.set(path.join("."), tensor));
  return found;
}

/** The numbers of the parameters, of their gradients, and of their last change. */
export interface WeightNumbers {
  readonly name: string;
  readonly shape: readonly number[];
  readonly weights: ArrayLike<number>;
  readonly gradient?: ArrayLike<number>;
  readonly change?: ArrayLike<number>;
}

/** Reads parameters, gradients and changes; all reads are queued when the call returns. */
export function readWeights(
  parameters: ParameterTree,
  gradients: ParameterTree | undefined,
  previous: ParameterTree | undefined,
  read: Reader,
): Promise<readonly WeightNumbers[]> {
  const slopes = gradients === undefined ? new Map<string, Tensor>() : namesIn(gradients);
  const before = previous === undefined ? new Map<string, Tensor>() : namesIn(previous);
  const { backend } = tensorsIn(parameters)[0];
  const reads = [...namesIn(parameters)].map(async ([name, tensor]): Promise<WeightNumbers> => {
    const [slope, earlier] = [slopes.get(name), before.get(name)];
    const change =
      earlier !== undefined && sameShape(earlier.shape, tensor.shape)
        ? backend.scope(() => subtract(tensor, earlier))
        : undefined;
    const numbers = await Promise.all([read(tensor), slope && read(slope), change && read(change)]).finally(() =>
      change?.dispose(),
    );
    const [weights, gradient, changed] = numbers;
    return { name, shape: tensor.shape, weights, ...(gradient && { gradient }), ...(changed && { change: changed }) };
  });
  return Promise.all(reads);
}

/** ‖θ‖ of all tensors with two axes or more, and ‖Δθ‖/‖θ‖ if all changes are known. */
export function wholeUpdate(all: readonly WeightNumbers[]): { readonly norm: number; readonly update?: number } {
  const matrices = all.filter(({ shape }) => shape.length > 1);
  const size = (of: (own: WeightNumbers) => ArrayLike<number>): number =>
    Math.hypot(...matrices.map((own) => norm(of(own))));
  const whole = { norm: size(({ weights }) => weights) };
  if (matrices.some(({ change }) => change === undefined)) return whole;
  const moved = size(({ change = [] }) => change);
  return { ...whole, update: moved === 0 ? 0 : moved / size(before) };
}

/** The numbers of a tensor before its change. */
const before = ({ weights, change = [] }: Pick<WeightNumbers, "weights" | "change">): Float64Array =>
  Float64Array.from(change, (value, at) => weights[at] - value);

/** Norms of a tensor, its gradient and its change; the change in units of the norm before it. */
export function weightRecord({ name, shape, weights, gradient, change }: WeightNumbers): WeightRecord {
  const own = { name, shape: [...shape], norm: norm(weights), ...(gradient && { gradient: norm(gradient) }) };
  if (change === undefined) return own;
  const moved = norm(change);
  return { ...own, update: moved === 0 ? 0 : moved / norm(before({ weights, change })) };
}

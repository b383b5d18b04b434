import { checkTensors } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { listOf, tensor } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { formatShape, sameShape, type Shape } from "../core/shape.js";
import type { Primitive, Tensor } from "../core/tensor.js";
import { apply, type Differentiable } from "./tape.js";

export interface SliceAttributes {
  readonly axis: number;
  readonly start: number;
  readonly length: number;
}

const withExtent = (shape: Shape, axis: number, extent: number): Shape =>
  shape.map((old, index) => (index === axis ? extent : old));

export const slicePrimitive: Differentiable<SliceAttributes> = {
  name: "slice",
  infer: ([x], { axis, length }) => [withExtent(x, axis, length)],
  vjp({ inputs: [x], attributes: { axis, start, length } }, dy) {
    const zeros = (extent: number): Tensor[] =>
      extent === 0 ? [] : [x.backend.full(0, withExtent(x.shape, axis, extent))];
    return [concat([...zeros(start), dy!, ...zeros(x.shape[axis] - start - length)], axis)];
  },
};

export const concatPrimitive: Differentiable<{ readonly axis: number }> = {
  name: "concat",
  infer: (shapes, { axis }) => [
    withExtent(
      shapes[0],
      axis,
      shapes.reduce((sum, shape) => sum + shape[axis], 0),
    ),
  ],
  vjp({ inputs, attributes: { axis }, needs }, dy) {
    let start = 0;
    return inputs.map((input, index) => {
      const length = input.shape[axis];
      start += length;
      return needs(index) ? slice(dy!, axis, start - length, length) : undefined;
    });
  },
};

/** Inputs: a tensor, and a part that replaces its elements from `start` along the axis, in place. No outputs. */
export const writePrimitive: Primitive<{ readonly axis: number; readonly start: number }> = {
  name: "write",
  infer: () => [],
};

function normalAxis(where: string, axis: number, rank: number): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new ShapeError({ where, argument: "axis", wanted: `an axis from ${-rank} to ${rank - 1}`, got: String(axis) });
}

/**
 * Replaces elements of `x` from `start` along an axis by those of `part`, in place. Only the owner of a tensor may do
 * this.
 */
export function write(x: Tensor, part: Tensor, axis: number, start: number): void {
  apply(writePrimitive, [x, part], { axis, start });
}

/** Elements start to start + length - 1 of x along an axis; negative axes count from the last. */
export function slice(x: Tensor, axis: number, start: number, length: number): Tensor {
  checkTensors("slice", { x });
  const normal = normalAxis("slice", axis, x.shape.length);
  const extent = x.shape[normal];
  if (!Number.isInteger(start) || !Number.isInteger(length) || start < 0 || length < 1 || start + length > extent) {
    throw new ShapeError({
      where: "slice",
      wanted: `at least one of the ${extent} elements along axis ${axis}`,
      got: `${length} from ${start}`,
    });
  }
  return length === extent ? x : apply(slicePrimitive, [x], { axis: normal, start, length })[0];
}

/** The tensors `parts` one after the other along an axis; their other extents agree. */
export function concat(parts: readonly Tensor[], axis: number): Tensor {
  checkArguments("concat", { parts }, { parts: listOf(tensor, "a tensor") });
  if (parts.length === 0)
    throw new ShapeError({ where: "concat", argument: "parts", wanted: "at least one tensor", got: "none" });
  const [first] = parts;
  const normal = normalAxis("concat", axis, first.shape.length);
  const wrong = parts.find(({ shape }) => !sameShape(withExtent(shape, normal, 1), withExtent(first.shape, normal, 1)));
  if (wrong !== undefined) {
    throw new ShapeError({
      where: "concat",
      argument: "parts",
      wanted: `shapes like ${formatShape(first.shape)} but for axis ${axis}`,
      got: formatShape(wrong.shape),
    });
  }
  return parts.length === 1 ? first : apply(concatPrimitive, parts, { axis: normal })[0];
}

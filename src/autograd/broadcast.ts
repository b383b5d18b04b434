import { checkTensors } from "../core/checks.js";
import { ShapeError } from "../core/errors.js";
import { flag, shapeKind } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { broadcastShapes, formatShape, normalizeAxes, sameShape, sizeOf, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { apply, view, type Differentiable } from "./tape.js";

/** Which axes a reduction runs over: distinct, ascending, non-negative. They stay in the shape with extent 1. */
export interface ReduceAttributes {
  readonly axes: readonly number[];
}

export function reducedShape(shape: Shape, { axes }: ReduceAttributes): Shape {
  return shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
}

export const sumPrimitive: Differentiable<ReduceAttributes> = {
  name: "sum",
  infer: ([x], attributes) => [reducedShape(x, attributes)],
  vjp: ({ inputs }, dy) => [expand(dy!, inputs[0].shape)],
};

export const expandPrimitive: Differentiable<{ readonly shape: Shape }> = {
  name: "expand",
  infer: (_shapes, { shape }) => [shape],
  vjp: ({ inputs }, dy) => [sumTo(dy!, inputs[0].shape)],
};

/** x repeated along axes of extent 1 (and new leading axes) up to `shape`. */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensors("expand", { x });
  checkArguments("expand", { shape }, { shape: shapeKind });
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("expand", x.shape, shape), shape)) {
    throw new ShapeError({
      where: "expand",
      argument: "shape",
      wanted: `a shape that ${formatShape(x.shape)} broadcasts to`,
      got: formatShape(shape),
    });
  }
  if (x.size === sizeOf(shape)) return view(x, shape);
  return apply(expandPrimitive, [x], { shape: [...shape] })[0];
}

/** Sums over the axes along which `shape` would be repeated; the transpose of `expand`. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (x.size === sizeOf(shape)) return view(x, shape);
  const added = x.shape.length - shape.length;
  const axes = x.shape.flatMap((extent, axis) =>
    axis < added || (extent !== 1 && shape[axis - added] === 1) ? [axis] : [],
  );
  return view(apply(sumPrimitive, [x], { axes })[0], shape);
}

/** Options of `ops.sum`, `ops.mean` and `ops.max`. */
export interface ReduceOptions {
  /** Keep the reduced axes with extent 1. Default false. */
  readonly keepAxes?: boolean;
}

/** Applies a reduction whose primitive keeps the axes, and drops them unless asked not to. */
export function reduce(
  primitive: Differentiable<ReduceAttributes>,
  x: Tensor,
  axes: number | readonly number[] | undefined,
  options: ReduceOptions = {},
): Tensor {
  checkTensors(primitive.name, { x });
  const { keepAxes = false } = checkOptions(primitive.name, options, { keepAxes: flag });
  const normal = normalizeAxes(primitive.name, axes, x.shape.length);
  const reduced = apply(primitive, [x], { axes: normal })[0];
  return keepAxes
    ? reduced
    : view(
        reduced,
        x.shape.filter((_, axis) => !normal.includes(axis)),
      );
}

/** Σ x over `axes` (all by default; negative ones count from the last). */
export function sum(x: Tensor, axes?: number | readonly number[], options?: ReduceOptions): Tensor {
  return reduce(sumPrimitive, x, axes, options);
}

/** The numbers of x, row-major, under another `shape`; one extent may be -1. Costs nothing. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensors("reshape", { x });
  checkArguments("reshape", { shape }, { shape: shapeKind });
  const known = sizeOf(shape.filter((extent) => extent !== -1));
  const full = shape.map((extent) => (extent === -1 ? x.size / known : extent));
  if (sizeOf(full) !== x.size || !full.every((extent) => Number.isInteger(extent) && extent >= 1)) {
    throw new ShapeError({
      where: "reshape",
      argument: "shape",
      wanted: `a shape of ${x.size} elements`,
      got: `${formatShape(shape)} for a tensor of shape ${formatShape(x.shape)}`,
    });
  }
  return view(x, full);
}

export const permutePrimitive: Differentiable<{ readonly order: readonly number[] }> = {
  name: "permute",
  infer: ([x], { order }) => [order.map((axis) => x[axis])],
  vjp: (application, dy) => [
    permute(
      dy!,
      application.attributes.order.map((_, axis) => application.attributes.order.indexOf(axis)),
    ),
  ],
};

/** The axes in another order: axis i of the result is axis order[i] of x. */
export function permute(x: Tensor, order: readonly number[]): Tensor {
  checkTensors("permute", { x });
  checkArguments("permute", { order }, { order: shapeKind });
  if (order.length !== x.shape.length || !x.shape.every((_, axis) => order.includes(axis))) {
    throw new ShapeError({
      where: "permute",
      argument: "order",
      wanted: `each of the axes 0 to ${x.shape.length - 1} once`,
      got: formatShape(order),
    });
  }
  return apply(permutePrimitive, [x], { order: [...order] })[0];
}

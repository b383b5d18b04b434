import { ShapeError } from "./errors.js";

/** The extent of every axis, the outermost first. */
export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** Whether a value is an array of numbers. */
const isShape = (shape: unknown): shape is Shape =>
  Array.isArray(shape) && shape.every((extent) => typeof extent === "number");

/** Throws unless every extent is a whole number of at least 1. */
export function checkShape(where: string, shape: Shape): void {
  if (isShape(shape) && shape.every((extent) => Number.isInteger(extent) && extent >= 1)) return;
  throw new ShapeError({
    where,
    argument: "shape",
    wanted: "whole extents of at least 1",
    got: isShape(shape) ? formatShape(shape) : String(shape),
    fix: "Empty tensors are not supported: skip the call if there is nothing to compute.",
  });
}

/** The shape of two operands under NumPy's broadcasting rules. */
export function broadcastShapes(where: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, position) => {
    const left = a[position - rank + a.length] ?? 1;
    const right = b[position - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError({
        where,
        wanted: "shapes that broadcast (equal extents, or 1, counted from the last axis)",
        got: `${formatShape(a)} and ${formatShape(b)}`,
        fix: "Reshape one operand so that its extents line up.",
      });
    }
    return left === 1 ? right : left;
  });
}

/** Row-major strides; an axis of extent 1 has stride 0, so it broadcasts. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = shape[axis] === 1 ? 0 : stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Axes as non-negative, sorted, unique numbers; all axes when none are given. */
export function normalizeAxes(where: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  const wanted =
    axes === undefined ? Array.from({ length: rank }, (_, axis) => axis) : typeof axes === "number" ? [axes] : axes;
  if (!isShape(wanted))
    throw new ShapeError({ where, argument: "axes", wanted: "an axis or an array of axes", got: String(wanted) });
  const normal = wanted.map((axis) => (axis < 0 ? axis + rank : axis));
  const valid = normal.every((axis) => Number.isInteger(axis) && axis >= 0 && axis < rank);
  if (!valid || new Set(normal).size !== normal.length) {
    throw new ShapeError({
      where,
      argument: "axes",
      wanted: `distinct axes between ${-rank} and ${rank - 1}`,
      got: formatShape(wanted),
    });
  }
  return normal.sort((a, b) => a - b);
}

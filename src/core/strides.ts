import { stridesOf, type Shape } from "./shape.js";

/** An axis of a result, and by how many numbers each of two operands moves on along it. */
export interface Axis {
  extent: number;
  readonly strides: [number, number];
}

/** Leaves out axes of extent 1 and merges neighbours that both operands walk through as one. */
export function collapse(shape: Shape, left: readonly number[], right: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  shape.forEach((extent, axis) => {
    if (extent === 1) return;
    const strides: [number, number] = [left[axis], right[axis]];
    const outer = axes.at(-1);
    if (outer !== undefined && outer.strides.every((stride, side) => stride === strides[side] * extent)) {
      outer.extent *= extent;
      outer.strides[0] = strides[0];
      outer.strides[1] = strides[1];
    } else {
      axes.push({ extent, strides });
    }
  });
  return axes;
}

/** Strides of an operand seen under a broadcast shape. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  return [...new Array<number>(to.length - from.length).fill(0), ...stridesOf(from)];
}

/** Calls `row` with the first places of both operands and of the result, for every row along the innermost axis. */
export function eachRow(axes: readonly Axis[], row: (left: number, right: number, at: number) => void): void {
  const last = axes.length - 1;
  const width = axes[last].extent;
  const rows = axes.slice(0, last).reduce((product, { extent }) => product * extent, 1);
  const place = new Int32Array(last);
  for (let index = 0, left = 0, right = 0; index < rows; index++) {
    row(left, right, index * width);
    for (let axis = last - 1; axis >= 0; axis--) {
      const { extent, strides } = axes[axis];
      left += strides[0];
      right += strides[1];
      if (++place[axis] < extent) break;
      left -= strides[0] * extent;
      right -= strides[1] * extent;
      place[axis] = 0;
    }
  }
}

/** The walk through one or two operands with these strides. */
export function walk(shape: Shape, left: readonly number[], right = left): Axis[] {
  const axes = collapse(shape, left, right);
  return axes.length > 0 ? axes : [{ extent: 1, strides: [0, 0] }];
}

/** Copies for every element of `shape`, row-major, the element with these strides that lies after number `offset`. */
export function gather<Numbers extends Float32Array | Float64Array>(
  from: Numbers,
  strides: readonly number[],
  shape: Shape,
  to: Numbers,
  offset = 0,
): void {
  const axes = walk(shape, strides);
  const inner = axes.pop()!;
  const [width, step] = [inner.extent, inner.strides[0]];
  if (axes.length === 0) axes.push({ extent: 1, strides: [0, 0] });
  const { extent: rows, strides: between } = axes[axes.length - 1];
  // two axes in loops of their own: the innermost one may be short
  eachRow(axes, (start, _, at) => {
    for (let row = 0, first = offset + start, place = at * width; row < rows; row++, first += between[0])
      for (let c = 0, source = first; c < width; c++, source += step) to[place++] = from[source];
  });
}

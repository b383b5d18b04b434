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

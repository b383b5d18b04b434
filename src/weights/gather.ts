import { sizeOf, type Shape } from "../core/shape.js";
import { gather } from "../core/strides.js";

/** Where the numbers of a tensor lie: element i is number offset + Σ i_axis strides_axis. */
export interface Layout {
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: Shape;
}

/** The numbers of a tensor in row-major order. */
export function gathered(all: Float32Array | Float64Array, { offset, shape, strides }: Layout) {
  const count = sizeOf(shape);
  const numbers = all instanceof Float64Array ? new Float64Array(count) : new Float32Array(count);
  if (count > 0) gather(all, strides, shape, numbers, offset);
  return numbers;
}

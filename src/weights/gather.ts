import { sizeOf, stridesOf, type Shape } from "../core/shape.js";

/** Where the numbers of a tensor lie: element i is number offset + Σ i_axis strides_axis. */
export interface Layout {
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: Shape;
}

/** Copies the numbers of a tensor in row-major order. */
export function gathered<Numbers extends Float32Array | Float64Array>(
  all: Numbers,
  { offset, shape, strides }: Layout,
): Numbers {
  const count = sizeOf(shape);
  const rowMajor = stridesOf(shape);
  if (shape.every((extent, axis) => extent === 1 || strides[axis] === rowMajor[axis]))
    return all.slice(offset, offset + count) as Numbers;
  const numbers = (all instanceof Float64Array ? new Float64Array(count) : new Float32Array(count)) as Numbers;
  const place = shape.map(() => 0);
  for (let index = 0, at = offset; index < count; index++) {
    numbers[index] = all[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis];
      if (++place[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return numbers;
}

import { sizeOf } from "../core/shape.js";
import type { KernelInput } from "./kernel.js";

type Initial = NonNullable<KernelInput["initial"]>;

/** Independent normal numbers with this standard deviation. */
export const normalNumbers =
  (scale: number): Initial =>
  (shape, random) =>
    random.normals(sizeOf(shape), scale);

export const constantNumbers =
  (value: number): Initial =>
  (shape) =>
    new Float64Array(sizeOf(shape)).fill(value);

/** Identity matrices, over the last two axes. */
export const identityMatrices: Initial = (shape) => {
  const width = shape.at(-1)!;
  return Float64Array.from({ length: sizeOf(shape) }, (_, index) =>
    (index % (width * width)) % (width + 1) === 0 ? 1 : 0,
  );
};

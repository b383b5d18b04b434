import { checkTensors } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import type { DType, Tensor } from "../core/tensor.js";
import { add } from "./arithmetic.js";
import { apply, type Differentiable } from "./tape.js";

export const castPrimitive: Differentiable<{ readonly dtype: DType }> = {
  name: "cast",
  infer: ([x]) => [x],
  dtypes: (_inputs, { dtype }) => [dtype],
  vjp: ({ inputs: [x] }, dy) => apply(castPrimitive, [dy!], { dtype: x.dtype }),
};

/**
 * The numbers of x as `dtype`, float16 or float32, each rounded to a nearest one; the gradient is cast back.
 *
 * Beyond 65504, the largest float16, they overflow, on most adapters to infinity. On the cpu backend, the float64
 * reference, nothing is rounded. Throws an `UnsupportedError` for "f16" on an adapter without shader-f16.
 */
export function cast(x: Tensor, dtype: "f16" | "f32"): Tensor {
  checkTensors("cast", { x });
  if (dtype !== "f16" && dtype !== "f32") {
    throw new ArgumentError({ where: "cast", argument: "dtype", wanted: '"f16" or "f32"', got: String(dtype) });
  }
  return x.dtype === dtype ? x : apply(castPrimitive, [x], { dtype })[0];
}

/** x + y for cotangents of one dtype; those of float16 are summed in float32. */
export function accumulate(x: Tensor, y: Tensor): Tensor {
  return x.dtype === "f16" ? cast(add(cast(x, "f32"), cast(y, "f32")), "f16") : add(x, y);
}

import type { Tensor } from "./tensor.js";
import { TENSOR } from "./tensor-mark.js";

export function isTensor(value: unknown): value is Tensor {
  return TENSOR in Object(value);
}

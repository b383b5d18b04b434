import type { Tensor } from "./tensor.js";
import { TENSOR } from "./tensor-mark.js";

export function isTensor(value: unknown): value is Tensor {
  return typeof value === "object" && value !== null && TENSOR in value;
}

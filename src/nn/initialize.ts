import type { Random } from "../core/random.js";
import { sizeOf, type Shape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";

/** A tensor of independent normal numbers with mean 0 and standard deviation `scale`. */
export function normal(backend: Backend, random: Random, shape: Shape, scale: number): Tensor {
  return backend.tensor(random.normals(sizeOf(shape), scale), shape);
}

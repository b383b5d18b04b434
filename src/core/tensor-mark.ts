/** Marks tensors, also those of another copy of this library. */
export const TENSOR = Symbol.for("attention-kernels.Tensor");

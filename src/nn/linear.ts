import { add, matmul } from "../autograd/ops.js";
import type { Tensor } from "../core/tensor.js";

/** W [rows, columns] and b [columns] of a linear layer. */
export type LinearParameters = { readonly weight: Tensor; readonly bias: Tensor };

/** Scale and shift [width] of a layer norm. */
export type NormParameters = { readonly scale: Tensor; readonly shift: Tensor };

/** `x W + b` */
export const linear = (x: Tensor, { weight, bias }: LinearParameters): Tensor => add(matmul(x, weight), bias);

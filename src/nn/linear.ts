import { affine } from "../autograd/matmul.js";
import type { Random } from "../core/random.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { normal } from "./initialize.js";

/** W [rows, columns] and b [columns] of a linear layer. */
export type LinearParameters = { readonly weight: Tensor; readonly bias: Tensor };

/** Scale and shift [width] of a layer norm. */
export type NormParameters = { readonly scale: Tensor; readonly shift: Tensor };

/** `x W + b` */
export const linear = (x: Tensor, { weight, bias }: LinearParameters): Tensor => affine(x, weight, bias);

/** Weights N(0, 1/rows) and a bias of zeros. */
export function initialLinear(backend: Backend, random: Random, rows: number, columns: number): LinearParameters {
  return {
    weight: normal(backend, random, [rows, columns], 1 / Math.sqrt(rows)),
    bias: backend.full(0, [columns]),
  };
}

/** Scale 1 and shift 0. */
export function initialNorm(backend: Backend, width: number): NormParameters {
  return { scale: backend.full(1, [width]), shift: backend.full(0, [width]) };
}

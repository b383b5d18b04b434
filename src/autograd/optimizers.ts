import type { Primitive } from "../core/tensor.js";

export interface AdamAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** 1 - beta1^t and 1 - beta2^t of step t, which undo the bias of the zero start. */
  readonly correction1: number;
  readonly correction2: number;
}

/**
 * One step of Adam (Kingma & Ba, arXiv 1412.6980), fused. Inputs parameter, gradient, first and second moment; outputs
 * the new parameter and moments: m' = β1 m + (1-β1) g, v' = β2 v + (1-β2) g², p' = p - rate (m'/c1) / (√(v'/c2)
 * + ε).
 */
export const adamPrimitive: Primitive<AdamAttributes> = {
  name: "adam",
  infer: ([parameter]) => [parameter, parameter, parameter],
};

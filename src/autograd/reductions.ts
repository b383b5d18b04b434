import { checkTensors } from "../core/checks.js";
import { flag } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { normalizeAxes } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { divide, equal, multiply } from "./arithmetic.js";
import { reduce, reducedShape, sum, sumPrimitive, type ReduceAttributes, type ReduceOptions } from "./broadcast.js";
import { apply, type Differentiable } from "./tape.js";

/** The maximum; where it is reached more than once, the gradient is shared equally. */
export const maxPrimitive: Differentiable<ReduceAttributes> = {
  name: "max",
  infer: ([x], attributes) => [reducedShape(x, attributes)],
  vjp({ inputs, outputs, attributes }, dy) {
    const reached = equal(inputs[0], outputs[0]);
    const count = apply(sumPrimitive, [reached], attributes)[0];
    return [multiply(divide(reached, count), dy!)];
  },
};

/** The mean of x over `axes` (all by default; negative ones count from the last). */
export function mean(x: Tensor, axes?: number | readonly number[], options: ReduceOptions = {}): Tensor {
  checkTensors("mean", { x });
  checkOptions("mean", options, { keepAxes: flag });
  const count = normalizeAxes("mean", axes, x.shape.length).reduce((product, axis) => product * x.shape[axis], 1);
  return divide(sum(x, axes, options), count);
}

/** The largest element of x over `axes` (all by default; negative ones count from the last). */
export function max(x: Tensor, axes?: number | readonly number[], options?: ReduceOptions): Tensor {
  return reduce(maxPrimitive, x, axes, options);
}

import { add, isFinite, multiply, sqrt, subtract, where } from "../autograd/arithmetic.js";
import { sum } from "../autograd/broadcast.js";
import { stopGradient } from "../autograd/tape.js";
import type { Tensor } from "../core/tensor.js";

/** x with zeros in the place of what is not finite, so that a weight of 0 hides it. */
export function finitePart(x: Tensor): Tensor {
  return where(isFinite(x), x, 0);
}

/** 1 where x is NaN or infinite, else 0. */
export function lostPart(x: Tensor): Tensor {
  return multiply(subtract(isFinite(stopGradient(x)), 1), -1);
}

/** How many numbers of every row of x are not finite, [..., 1]. */
export function lostOfRows(x: Tensor): Tensor {
  return sum(lostPart(x), -1, { keepAxes: true });
}

/** 0, and NaN where `count` is above 0. */
function taint(count: Tensor): Tensor {
  return sqrt(multiply(count, -1));
}

/** x, and NaN where `count` is above 0; its gradient stays what comes from behind. */
export function tainted(x: Tensor, count: Tensor): Tensor {
  return add(x, taint(count));
}

/** x, and NaN where `count` is above 0, in its gradient too. */
export function poisoned(x: Tensor, count: Tensor): Tensor {
  return multiply(x, add(taint(count), 1));
}

import { add, isFinite, multiply, sqrt, subtract, where } from "../autograd/arithmetic.js";
import { sum } from "../autograd/broadcast.js";
import { stopGradient } from "../autograd/tape.js";
import type { Tensor } from "../core/tensor.js";

/** Replaces NaN and infinity by 0, so that a weight of 0 hides them. */
export function finitePart(x: Tensor): Tensor {
  return where(isFinite(x), x, 0);
}

/** 1 where x is NaN or infinite, else 0. */
export function lostPart(x: Tensor): Tensor {
  return multiply(subtract(isFinite(stopGradient(x)), 1), -1);
}

/** The number of non-finite elements of every row of x, [..., 1]. */
export function lostOfRows(x: Tensor): Tensor {
  return sum(lostPart(x), -1, { keepAxes: true });
}

/** 0, and NaN where `count` is above 0. */
function taint(count: Tensor): Tensor {
  return sqrt(multiply(count, -1));
}

/** x, but NaN where `count` is above 0. The gradient passes through unchanged. */
export function tainted(x: Tensor, count: Tensor): Tensor {
  return add(x, taint(count));
}

/** x, but NaN where `count` is above 0. The gradient is NaN there too. */
export function poisoned(x: Tensor, count: Tensor): Tensor {
  return multiply(x, add(taint(count), 1));
}

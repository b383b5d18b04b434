import {
  abs,
  add,
  atan2,
  cos,
  exp,
  log,
  max,
  multiply,
  reshape,
  sin,
  square,
  stopGradient,
  subtract,
  sum,
  tanh,
} from "../autograd/ops.js";
import { ArgumentError } from "../core/errors.js";
import type { Tensor } from "../core/tensor.js";

/** log ψ of each row. */
export interface LogAmplitudes {
  readonly re: Tensor;
  /** The phase, in radians, up to multiples of 2π. */
  readonly im: Tensor;
}

/** log(x + iy) */
const complexLog = (x: Tensor, y: Tensor): LogAmplitudes => ({
  re: multiply(log(add(square(x), square(y))), 0.5),
  im: atan2(y, x),
});

/**
 * log cosh(a + ib) = log cosh a + ½ log(cos²b + tanh²a sin²b) + i arg(cos b + i tanh a sin b). It does not
 * overflow, because log cosh a is computed as |a| + log(1 + e^(-2|a|)) - log 2.
 */
export function logCosh(a: Tensor, b: Tensor): LogAmplitudes {
  const size = abs(a);
  const { re, im } = complexLog(cos(b), multiply(tanh(a), sin(b)));
  const logCoshReal = add(add(size, log(add(exp(multiply(size, -2)), 1))), -Math.LN2);
  return { re: add(logCoshReal, re), im };
}

/**
 * log ψ_χ [rows] of the projection ψ_χ(σ) = 1/|G| Σ_g χ(g) ψ(gσ), from log ψ of the images [rows, |G|]. The
 * largest |ψ(gσ)| is factored out of the sum, so that nothing overflows. If images cancel, log ψ_χ falls without
 * bound.
 */
export function logProjection({ re, im }: LogAmplitudes, characters: readonly number[]): LogAmplitudes {
  const {
    backend,
    shape: [rows, images],
  } = re;
  if (characters.length !== images) {
    throw new ArgumentError({
      where: "logProjection",
      argument: "characters",
      wanted: `${images}, one an element`,
      got: String(characters.length),
    });
  }
  const largest = stopGradient(max(re, 1, { keepAxes: true }));
  const shares = backend.tensor(
    characters.map((character) => character / images),
    [1, images],
  );
  const sizes = multiply(exp(subtract(re, largest)), shares);
  const { re: size, im: phase } = complexLog(sum(multiply(sizes, cos(im)), 1), sum(multiply(sizes, sin(im)), 1));
  return { re: add(size, reshape(largest, [rows])), im: phase };
}

import { add, concat, multiply, slice, subtract } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { numbers, positive, tensor, whole } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { formatShape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";

/** Cosines and sines [n, d/2] of the angles of n positions. */
export interface RotaryTables {
  readonly cosines: Tensor;
  readonly sines: Tensor;
}

/** The angle that every pair of components turns from a position to the next: θ^(-2c/d), c from 0 to d/2 - 1. */
export const rotaryFrequencies = (theta: number, dim: number): number[] =>
  Array.from({ length: dim / 2 }, (_, pair) => theta ** ((-2 * pair) / dim));

/** Tables for `count` positions from `start` on. */
export function rotaryTables(
  backend: Backend,
  frequencies: ArrayLike<number>,
  start: number,
  count: number,
): RotaryTables {
  const angles = Array.from({ length: count }, (_, row) =>
    Array.from(frequencies, (frequency) => (start + row) * frequency),
  ).flat();
  const table = (of: (angle: number) => number): Tensor =>
    backend.tensor(Float64Array.from(angles, of), [count, frequencies.length]);
  return { cosines: table(Math.cos), sines: table(Math.sin) };
}

/** Turns the pairs (c, c + d/2) of x [..., n, d]. */
export function rotate(x: Tensor, { cosines, sines }: RotaryTables): Tensor {
  const half = x.shape.at(-1)! / 2;
  const [a, b] = [slice(x, -1, 0, half), slice(x, -1, half, half)];
  const turned = subtract(multiply(a, cosines), multiply(b, sines));
  return concat([turned, add(multiply(b, cosines), multiply(a, sines))], -1);
}

/** Options of `rotary`. */
export interface RotaryOptions {
  /** θ, the base of the frequencies. Default 10000. */
  readonly theta?: number;
  /** Radians a position for each of the d/2 pairs, instead of θ^(-2c/d). */
  readonly frequencies?: ArrayLike<number>;
  /** The position of the first row. Default 0. */
  readonly start?: number;
}

/**
 * Rotary positions: turns each pair (c, c + d/2) of the components of queries or keys x [..., n, d] by its position
 * times θ^(-2c/d), so that their inner products depend on differences of positions. Source: Su et al., arXiv
 * 2104.09864, with the pairs of Llama as Hugging Face stores it.
 *
 * @throws ShapeError for an odd d or frequencies of another number than d/2.
 * @example
 * const out = attention(softmax(), { q: rotary(q), k: rotary(k), v }, { mask: causal() });
 */
export function rotary(x: Tensor, options: RotaryOptions = {}): Tensor {
  checkArguments("rotary", { x }, { x: tensor });
  const {
    theta = 10_000,
    frequencies,
    start = 0,
  } = checkOptions("rotary", options, { theta: positive, frequencies: numbers, start: whole(0) });
  const [count, dim] = [x.shape.at(-2), x.shape.at(-1)];
  if (count === undefined || dim === undefined || dim % 2 !== 0) {
    throw new ShapeError({
      where: "rotary",
      argument: "x",
      wanted: "[..., n, d] with an even d",
      got: formatShape(x.shape),
    });
  }
  const turns = frequencies ?? rotaryFrequencies(theta, dim);
  if (turns.length !== dim / 2) {
    throw new ShapeError({
      where: "rotary",
      argument: "frequencies",
      wanted: `${dim / 2}, one for each pair`,
      got: String(turns.length),
    });
  }
  return rotate(x, rotaryTables(x.backend, turns, start, count));
}

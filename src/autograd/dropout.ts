import { checkTensors } from "../core/checks.js";
import { share, type Kind } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { apply, type Differentiable } from "./tape.js";

/** Options of `ops.dropout`. */
export interface DropoutOptions {
  /** The probability that an element is dropped, from 0 to below 1. */
  readonly rate: number;
  /** A whole number from 0 to 2^32 - 1: the same seed drops the same elements. Take a new one for every step. */
  readonly seed: number;
}

export interface DropoutAttributes {
  /** The hash of the seed. */
  readonly key: number;
  /** Element i is dropped if hash(hash(i) + key) is below this. */
  readonly threshold: number;
  /** 1 / (1 - rate) */
  readonly scale: number;
}

/** Seeds are below this, and so are hashes. */
const WORDS = 2 ** 32;

const seedKind: Kind<number> = {
  wanted: "a whole number from 0 to 2^32 - 1",
  holds: (value): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) < WORDS,
};

/** Bits that look random, the same on every backend: the integer hash "lowbias32" of C. Wellons, 2018. */
export function hash(word: number): number {
  let x = word;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

export const dropoutPrimitive: Differentiable<DropoutAttributes> = {
  name: "dropout",
  infer: ([shape]) => [shape],
  vjp: ({ attributes }, dy) => [apply(dropoutPrimitive, [dy!], attributes)[0]],
};

/**
 * Drops elements at random and scales the others: y = x / (1 - rate) or 0, so that the mean stays (Srivastava et al.,
 * JMLR 15, 2014).
 *
 * Which elements are dropped depends on the seed and on their place alone: the same on both backends, and in the
 * backward pass. NaN and infinity give NaN where they are dropped.
 *
 * @param x any shape
 * @throws ArgumentError for a rate or a seed out of range.
 * @example
 * const stream = random(1);
 * const y = ops.dropout(x, { rate: 0.1, seed: stream.integer(2 ** 32) });
 */
export function dropout(x: Tensor, options: DropoutOptions): Tensor {
  checkTensors("dropout", { x });
  const { rate, seed } = checkOptions("dropout", options, { rate: needed(share), seed: needed(seedKind) });
  const threshold = Math.min(Math.round(rate * WORDS), WORDS - 1);
  return apply(dropoutPrimitive, [x], { key: hash(seed), threshold, scale: 1 / (1 - rate) })[0];
}

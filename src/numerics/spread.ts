/** The mean of samples of equal size, and their spread about it. */
export interface Spread {
  /** The mean of every place. */
  readonly mean: Float64Array;
  /** Σ over places of the variance over samples. */
  readonly variance: number;
  /** Σ over places of mean². */
  readonly squares: number;
}

/** The spread of samples, stored one after the other in `numbers`, whose shares of the mean are `shares`. */
export function spreadOver(numbers: ArrayLike<number>, shares: ArrayLike<number>): Spread {
  const size = numbers.length / shares.length;
  const mean = new Float64Array(size);
  for (let at = 0; at < numbers.length; at++) mean[at % size] += shares[Math.floor(at / size)] * numbers[at];
  let variance = 0;
  for (let at = 0; at < numbers.length; at++)
    variance += shares[Math.floor(at / size)] * (numbers[at] - mean[at % size]) ** 2;
  return { mean, variance, squares: mean.reduce((sum, value) => sum + value * value, 0) };
}

import { ArgumentError } from "../core/errors.js";

/** A mean over repetitions with its 95 % confidence interval, which assumes normal values. */
export interface MeanInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

const CONFIDENCE = 0.95;
/** Bisection steps, more than enough for every bit of float64. */
const HALVINGS = 200;

/**
 * Probability that |t| stays below `t` in Student's distribution with `freedom` degrees, a whole number.
 *
 * Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
 */
function studentWithin(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let power = odd ? 3 : 2; power <= freedom - 2; power += 2) {
    term *= (cosine ** 2 * (power - 1)) / power;
    sum += term;
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
}

/** The z that |z| exceeds with probability 5 % in the standard normal distribution, the limit of Student's. */
export const NORMAL_QUANTILE = 1.959963984540054;

/** The t that |t| exceeds with probability 5 % in Student's distribution with `freedom` degrees. */
export function studentQuantile(freedom: number): number {
  // the quantile is largest for one degree: 12.7
  let [low, high] = [0, 16];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, freedom) < CONFIDENCE) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * The mean and Student's interval `mean ± t s/√n`, where s² is the unbiased variance. For one value the interval is
 * infinite.
 *
 * Applied to differences between paired runs, it is the interval of the paired t-test. Source: Student, Biometrika 6,
 * 1908.
 * @throws ArgumentError for no values.
 */
export function meanInterval(values: readonly number[]): MeanInterval {
  const count = values.length;
  if (count === 0)
    throw new ArgumentError({ where: "meanInterval", argument: "values", wanted: "at least one", got: "none" });
  const mean = values.reduce((a, b) => a + b) / count;
  if (count === 1) return { mean, low: -Infinity, high: Infinity, count };
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1);
  const half = studentQuantile(count - 1) * Math.sqrt(variance / count);
  return { mean, low: mean - half, high: mean + half, count };
}

/** The geometric mean of positive values: `meanInterval` of their logarithms, exponentiated. */
export function geometricInterval(values: readonly number[]): MeanInterval {
  const { mean, low, high, count } = meanInterval(values.map(Math.log));
  return { mean: Math.exp(mean), low: Math.exp(low), high: Math.exp(high), count };
}

import { NORMAL_QUANTILE } from "./mean-interval.js";

/** A share of successes with the 95 % confidence interval of the probability. */
export interface Proportion {
  readonly successes: number;
  readonly trials: number;
  readonly share: number;
  /** Wilson's score interval. */
  readonly interval: readonly [low: number, high: number];
}

/**
 * Wilson's score interval: the probabilities p with `|share - p| ≤ z √(p(1-p)/trials)`.
 *
 * Source: Wilson, J. Am. Stat. Assoc. 22, 1927.
 */
export function proportion(successes: number, trials: number): Proportion {
  const share = successes / trials;
  const extra = NORMAL_QUANTILE ** 2 / trials;
  const center = (share + extra / 2) / (1 + extra);
  const half = (Math.sqrt(extra) * Math.sqrt(share * (1 - share) + extra / 4)) / (1 + extra);
  // without successes, or failures, the formula gives 0, or 1, up to rounding
  return {
    successes,
    trials,
    share,
    interval: [successes === 0 ? 0 : center - half, successes === trials ? 1 : center + half],
  };
}

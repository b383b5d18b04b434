import { ArgumentError } from "../core/errors.js";
import { having, listOf, numbers, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { mean as meanOf } from "../numerics/averages.js";
import { slopeOf } from "../numerics/least-squares.js";
import { complex, type ComplexNumbers } from "./complex.js";

/** The statistics of an observable that NetKet reports. */
export interface Statistics {
  /** The real part. The imaginary part of an energy is noise. */
  readonly mean: number;
  /** Standard error of the mean, √(variance (1 + 2 autocorrelationTime) / draws). */
  readonly error: number;
  /** The mean of |E - mean|². */
  readonly variance: number;
  /** ½(length · variance of the chains' means / variance - 1), at least 0, in draws. */
  readonly autocorrelationTime: number;
  /**
   * R̂ = √((length - 1)/length + variance of the chains' means / mean variance in a chain): near 1 if chains agree,
   * infinite if each chain is stuck at a different value.
   */
  readonly rHat: number;
}

/**
 * Statistics of draws with these `values`, stored chain after chain, with `chains` of equal length. Sources: Vicentini
 * et al., NetKet 3, arXiv 2112.10526; for R̂ Gelman & Rubin, Statistical Science 7, 457 (1992).
 */
export function statistics(values: ComplexNumbers, chains: number): Statistics {
  checkArguments("statistics", { values, chains }, { values: complex, chains: whole(1) });
  const { re, im } = values;
  const length = re.length / chains;
  if (!Number.isInteger(length) || length < 2 || chains < 2) {
    throw new ArgumentError({
      where: "statistics",
      argument: "chains",
      wanted: "at least two chains of at least two draws each",
      got: `${re.length} draws in ${chains} chains`,
    });
  }
  const mean = meanOf(Array.from(re));
  const imaginary = meanOf(Array.from(im));
  const variance = meanOf(Array.from(re, (value, draw) => (value - mean) ** 2 + (im[draw] - imaginary) ** 2));
  const groups = Array.from({ length: chains }, (_, chain) =>
    Array.from(re.subarray(chain * length, (chain + 1) * length)),
  );
  const means = groups.map(meanOf);
  const between = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (chains - 1);
  const within = meanOf(
    groups.map((group, chain) => group.reduce((sum, value) => sum + (value - means[chain]) ** 2, 0) / (length - 1)),
  );
  const real = meanOf(Array.from(re, (value) => (value - mean) ** 2));
  const autocorrelationTime = real === 0 ? 0 : Math.max(0, 0.5 * ((length * between) / real - 1));
  return {
    mean,
    error: Math.sqrt((variance * (1 + 2 * autocorrelationTime)) / re.length),
    variance,
    autocorrelationTime,
    rHat: between === 0 && within === 0 ? 1 : Math.sqrt((length - 1) / length + between / within),
  };
}

/** Statistics of `values` over all configurations; `weights` sum to 1. The mean is exact, so its error is 0. */
export function exactStatistics(values: ComplexNumbers, weights: Float64Array): Statistics {
  checkArguments("exactStatistics", { values, weights }, { values: complex, weights: numbers });
  const { re, im } = values;
  const average = (value: (row: number) => number): number =>
    weights.reduce((sum, weight, row) => sum + (weight === 0 ? 0 : weight * value(row)), 0);
  const [mean, imaginary] = [average((row) => re[row]), average((row) => im[row])];
  return {
    mean,
    error: 0,
    variance: average((row) => (re[row] - mean) ** 2 + (im[row] - imaginary) ** 2),
    autocorrelationTime: 0,
    rHat: 1,
  };
}

/**
 * Extrapolates the energy to zero variance: the intercept of a least-squares line through the points (variance,
 * energy). An exact eigenstate has variance 0, so the intercept estimates the energy that the ansatz approaches. Needs
 * at least two different variances.
 */
export function zeroVarianceEnergy(points: readonly { readonly energy: number; readonly variance: number }[]): number {
  checkArguments(
    "zeroVarianceEnergy",
    { points },
    { points: listOf(having<(typeof points)[number]>("{ energy, variance }", ["energy", "variance"])) },
  );
  const variances = points.map(({ variance }) => variance);
  const x = meanOf(variances);
  if (!(meanOf(variances.map((variance) => (variance - x) ** 2)) > 0)) {
    throw new ArgumentError({
      where: "zeroVarianceEnergy",
      argument: "points",
      wanted: "at least two different variances",
      got: `${points.length} points with one`,
    });
  }
  const slope = slopeOf(points.map(({ variance, energy }) => [variance, energy]));
  return meanOf(points.map(({ energy }) => energy)) - slope * x;
}

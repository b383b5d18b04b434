import { ArgumentError } from "../core/errors.js";
import { numbers, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { mean } from "../numerics/averages.js";
import { dot } from "../numerics/vectors.js";

/** Pearson's correlation of two lists of numbers, a and b, of one length. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkArguments("correlation", { a, b }, { a: numbers, b: numbers });
  if (a.length !== b.length || a.length < 2) {
    throw new ArgumentError({
      where: "correlation",
      wanted: "two lists of one length, of at least two numbers",
      got: `${a.length} and ${b.length}`,
    });
  }
  const [x, y] = [Array.from(a), Array.from(b)];
  const centre = (values: readonly number[]): number[] => {
    const middle = mean(values);
    return values.map((value) => value - middle);
  };
  const [dx, dy] = [centre(x), centre(y)];
  return dot(dx, dy) / Math.sqrt(dot(dx, dx) * dot(dy, dy));
}

/** The pairs i < j of a square matrix [size, size], symmetrised. */
export function upperPairs(matrix: ArrayLike<number>, size: number): number[] {
  checkArguments("upperPairs", { matrix, size }, { matrix: numbers, size: whole(1) });
  const pairs: number[] = [];
  for (let i = 0; i < size; i++)
    for (let j = i + 1; j < size; j++) pairs.push((matrix[i * size + j] + matrix[j * size + i]) / 2);
  return pairs;
}

/** Couplings and interactions in one gauge. */
export interface Gauged {
  /** J_ij of the pairs i < j, of Euclidean norm 1. */
  readonly couplings: number[];
  /** U minus the means of its columns, times the norm that was divided out of the couplings. */
  readonly interactions: number[];
}

/**
 * Fixes the gauge (J, U) → (cJ, U/c + 1bᵀ) of `couplings` J [sites, sites] and `interactions` U [colours, colours],
 * under which conditionals are invariant. J becomes symmetric with norm 1, and the columns of U get mean 0. If `like`,
 * the couplings of another result, is given, the sign of c makes the couplings correlate positively with it.
 */
export function fixGauge(
  couplings: ArrayLike<number>,
  interactions: ArrayLike<number>,
  sites: number,
  colours: number,
  like?: readonly number[],
): Gauged {
  checkArguments(
    "fixGauge",
    { couplings, interactions, sites, colours },
    { couplings: numbers, interactions: numbers, sites: whole(1), colours: whole(1) },
  );
  const pairs = upperPairs(couplings, sites);
  const norm = Math.hypot(...pairs);
  const scale = like !== undefined && correlation(pairs, like) < 0 ? -norm : norm;
  const means = Array.from({ length: colours }, (_, s) =>
    mean(Array.from({ length: colours }, (_row, a) => interactions[a * colours + s])),
  );
  return {
    couplings: pairs.map((value) => value / scale),
    interactions: Array.from(interactions, (value, at) => (value - means[at % colours]) * scale),
  };
}

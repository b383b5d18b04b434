import { ArgumentError } from "../core/errors.js";
import { having, numbers, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { mean } from "../numerics/averages.js";
import { rowsOf, toMatrix } from "../numerics/rows.js";
import { leadingPair } from "../numerics/singular-values.js";
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

/** Subtracts the means of rows and columns of a square `matrix`. */
export function centre(matrix: Float64Array, size: number): void {
  for (const [across, along] of [
    [size, 1],
    [1, size],
  ]) {
    for (let line = 0; line < size; line++) {
      let middle = 0;
      for (let at = 0; at < size; at++) middle += matrix[line * across + at * along] / size;
      for (let at = 0; at < size; at++) matrix[line * across + at * along] -= middle;
    }
  }
}

/** How the logits of a site respond to the colours of the others, as `pairResponse` measures it. */
export interface PairResponse {
  /** Mean over contexts, [sites, sites, colours, colours]: logit of colour a at site i to colour b at site j. */
  readonly mean: Float64Array;
  /** Mean over contexts of the sum of all squared responses. */
  readonly squares: number;
}

/** Couplings and interactions read off a response. */
export interface CouplingsFound extends Gauged {
  /** Share of the squared responses that is not of the form J_ij U_ab: what the two below add up to. */
  readonly residual: number;
  /** Share by which responses differ between contexts. */
  readonly betweenContexts: number;
  /** Share of the mean response that is not of the form. */
  readonly ofMean: number;
}

const responseKind = having<PairResponse>("a response, as pairResponse() gives", ["mean", "squares"]);

/**
 * The best form J_ij U_ab of a predictor's `response` between `sites` sites of `colours` colours: the leading singular
 * vectors of its mean, a matrix of pairs (i, j) and colours (a, b). The response of the Potts model itself is exactly
 * of this form. Gauge and sign are those of `fixGauge`, whose `like` is the couplings of another result; rows of U have
 * mean 0 as well.
 *
 * @example
 * const response = await pairResponse(predictor, parameters, contexts, 4);
 * const { couplings, residual } = couplingsOf(response, 20, 4);
 */
export function couplingsOf(
  response: PairResponse,
  sites: number,
  colours: number,
  like?: readonly number[],
): CouplingsFound {
  checkArguments(
    "couplingsOf",
    { response, sites, colours },
    { response: responseKind, sites: whole(1), colours: whole(1) },
  );
  const { mean: found, squares } = response;
  if (found.length !== (sites * colours) ** 2) {
    throw new ArgumentError({
      where: "couplingsOf",
      argument: "response",
      wanted: `a response between ${sites} sites of ${colours} colours, ${(sites * colours) ** 2} numbers`,
      got: `${found.length} numbers`,
    });
  }
  const { value, left, right } = leadingPair(toMatrix("couplingsOf", "response.mean", rowsOf(found, colours ** 2)));
  const scaled = left.map((weight) => weight * value);
  const ofMean = (dot(found, found) - value ** 2) / squares;
  const betweenContexts = 1 - dot(found, found) / squares;
  return {
    ...fixGauge(scaled, right, sites, colours, like),
    residual: ofMean + betweenContexts,
    ofMean,
    betweenContexts,
  };
}

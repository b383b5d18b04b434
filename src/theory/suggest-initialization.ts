import { whole, wholeNumber } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import type { Proportion } from "../numerics/proportion.js";
import type { Certificate } from "./certificate.js";
import { convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import { certifiedShare, judgeDraw, type DrawnWeights, type Initialization } from "./initialization.js";
import { checkProblem, checkTrainable, type ConvergenceProblem } from "./problem.js";

/** Options of `suggestInitialization`. */
export interface SuggestOptions extends Pick<ConvergenceOptions, "kernel" | "trainable"> {
  /** Seed of the first draw. Default 1. */
  readonly seed?: number;
  /** Draws over which the probability of a certificate is estimated. Default 40. */
  readonly draws?: number;
}

/** An initialisation whose random weights have a certificate. */
export interface SuggestedInitialization {
  readonly found: true;
  readonly initialization: Initialization;
  /** How often random weights of this kind are certified. */
  readonly probability: Proportion;
  /** The first draw that is certified, and its certificate. */
  readonly weights: DrawnWeights;
  readonly certificate: Certificate;
}

/** No initialisation with a certificate was found. */
export interface NoSuggestion {
  readonly found: false;
  /** How many kinds of initialisation were tried. */
  readonly tried: number;
  readonly reason: string;
}

/** The lower end of the 95 % interval must reach this, else the next initialisation is tried. */
const LEAST_PROBABILITY = 0.5;
/** Draws that must all be certified before the probability is estimated. */
const SCREENING = 2;
const HEAD_FACTORS = [1, 2, 4];
/** Scales of W^Q and W^K. Small ones give flat kernel rows, large ones sharp rows. */
const QUERY_KEY_SCALES = [1, 0.5, 2, 4];
/** Scales of W^V, from the usual one upward: C of T2 falls with it if the residual does not grow. */
const VALUE_SCALES = [1, 10, 100, 1000, 10_000];

function* candidates(heads: number): Generator<Initialization> {
  for (const factor of HEAD_FACTORS) {
    for (const mirrored of [false, true]) {
      const count = heads * factor;
      if (mirrored && count % 2 === 1) continue;
      for (const value of VALUE_SCALES) {
        for (const scale of QUERY_KEY_SCALES)
          yield { heads: count, mirrored, scales: { query: scale, key: scale, value, output: 1 } };
      }
    }
  }
}

/**
 * Searches for an initialisation under which gradient descent on this problem is certified. It varies the number of
 * heads, the scales of W^Q, W^K and W^V, and whether heads are mirrored.
 *
 * Of the problem's weights only the shapes matter: those of one head, and the fewest heads to try. Candidates range
 * from usual scales to large ones. The first of which at least half of the draws are certified, at 95 % confidence, is
 * returned with the estimated probability. If none is found, a suitable one may still exist.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options.
 *
 * @param given the kernel, what gradient descent trains, and the draws
 * @example
 * const suggestion = suggestInitialization(problem, { kernel: gaussian(), trainable: ["value"] });
 * const weights = suggestion.found ? suggestion.weights : problem.weights;
 */
export function suggestInitialization(
  problem: ConvergenceProblem,
  given: SuggestOptions,
): SuggestedInitialization | NoSuggestion {
  const { kernel: kernelKind, trainable: trainableKind } = convergenceOptions;
  const kinds = { kernel: kernelKind, trainable: trainableKind, seed: wholeNumber, draws: whole(SCREENING) };
  const { kernel, trainable, seed = 1, draws = 40 } = checkOptions("suggestInitialization", given, kinds);
  checkTrainable(trainable);
  const checked = checkProblem(problem);
  const options = { kernel, trainable };
  let tried = 0;
  for (const initialization of candidates(checked.heads.length)) {
    tried++;
    const first = judgeDraw(problem, checked, initialization, options, seed);
    if (!first.certificate.certified) continue;
    if (certifiedShare(problem, checked, initialization, options, { seed: seed + 1, draws: SCREENING }).share < 1)
      continue;
    // New draws: those that passed the screening would bias the estimate.
    const probability = certifiedShare(problem, checked, initialization, options, {
      seed: seed + 1 + SCREENING,
      draws,
    });
    if (probability.interval[0] < LEAST_PROBABILITY) continue;
    return { found: true, initialization, probability, ...first };
  }
  return {
    found: false,
    tried,
    reason: `None of ${tried} initialisations certified half of its draws; more heads or fewer tokens may.`,
  };
}

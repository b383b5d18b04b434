import { whole, wholeNumber } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import type { Proportion } from "../numerics/proportion.js";
import type { Certificate } from "./certificate.js";
import { convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import { certifiedShare, judgeDraw, type DrawnWeights, type Initialization } from "./initialization.js";
import { checkProblem, checkTrainable, type ConvergenceProblem } from "./problem.js";

export interface SuggestOptions extends Pick<ConvergenceOptions, "kernel" | "trainable"> {
  /** Seed of the first draw. Default 1. */
  readonly seed?: number;
  /** Draws over which the probability of a certificate is estimated. Default 40. */
  readonly draws?: number;
}

interface Found {
  readonly found: true;
  readonly initialization: Initialization;
  /** How often random weights of this kind are certified. */
  readonly probability: Proportion;
  /** The first draw that is certified, and its certificate. */
  readonly weights: DrawnWeights;
  readonly certificate: Certificate;
}

interface NotFound {
  readonly found: false;
  /** How many kinds of initialisation were tried. */
  readonly tried: number;
  readonly reason: string;
}

/** Half of the draws at least must be certified, with confidence: below, the next initialisation is tried. */
const LEAST_PROBABILITY = 0.5;
/** First draws that must all be certified before the probability is worth an estimate. */
const SCREENING = 2;
const HEAD_FACTORS = [1, 2, 4];
/** W^Q and W^K from flat kernel rows to sharp ones. */
const QUERY_KEY_SCALES = [1, 0.5, 2, 4];
/** W^V from the usual scale upward: C of T2 falls with it where the residual does not grow. */
const VALUE_SCALES = [1, 10, 100, 1000, 10_000];

function* candidates(heads: number): Generator<Initialization> {
  for (const factor of HEAD_FACTORS) {
    for (const mirrored of [false, true]) {
      const count = heads * factor;
      if (mirrored && count % 2 === 1) continue;
      for (const value of VALUE_SCALES) {
        for (const scale of QUERY_KEY_SCALES) yield { heads: count, mirrored, scales: { query: scale, key: scale, value, output: 1 } };
      }
    }
  }
}

/**
 * Looks for an initialisation under which gradient descent on this problem is certified: heads, scales of W^Q, W^K and W^V, and
 * whether heads are mirrored.
 *
 * The problem's weights give the shapes alone (one head's, and the fewest heads to try). Candidates run from usual scales to large
 * ones; the first that certifies at least half of its draws, at 95 % confidence, is proposed with the estimated probability. Not
 * finding one does not mean that there is none.
 *
 * Throws `ShapeError` and `NonFiniteError` for a malformed problem, `ArgumentError` for unknown options.
 */
export function suggestInitialization(problem: ConvergenceProblem, given: SuggestOptions): Found | NotFound {
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
    if (certifiedShare(problem, checked, initialization, options, { seed: seed + 1, draws: SCREENING }).share < 1) continue;
    // fresh draws: the screened ones are no fair sample
    const probability = certifiedShare(problem, checked, initialization, options, { seed: seed + 1 + SCREENING, draws });
    if (probability.interval[0] < LEAST_PROBABILITY) continue;
    return { found: true, initialization, probability, ...first };
  }
  return { found: false, tried, reason: `None of ${tried} initialisations certified half of its draws; more heads or fewer tokens may.` };
}

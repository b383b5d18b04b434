import { ArgumentError } from "../core/errors.js";
import { finite, flag, record, whole, wholeNumber, type Kind } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { random, type Random } from "../core/random.js";
import { proportion, type Proportion } from "../numerics/proportion.js";
import { checkConvergence, convergenceOptions, type ConvergenceOptions } from "./check-convergence.js";
import type { Certificate } from "./certificate.js";
import { checkProblem, type CheckedProblem, type ConvergenceProblem, type WeightName } from "./problem.js";

/** The distribution of the weights: independent normal numbers with standard deviation scale/√rows of each matrix. */
export interface Initialization {
  readonly heads: number;
  /**
   * Heads come in pairs with equal W^Q, W^K, W^O and opposite W^V, so all outputs start at 0. The residual then does
   * not grow with the scales (the doubling of Chizat, Oyallon & Bach, arXiv 1812.07956).
   */
  readonly mirrored: boolean;
  readonly scales: Readonly<Record<WeightName, number>>;
}

/** Weights as nested arrays [H][rows][columns], as `checkConvergence` takes them. */
export type DrawnWeights = Readonly<Record<WeightName, number[][][]>>;

/** Draws weights in the shapes of the problem's weights, with the number of heads of the initialisation. */
export function drawWeights(
  { heads: [like] }: CheckedProblem,
  { heads, mirrored, scales }: Initialization,
  source: Random,
): DrawnWeights {
  const draw = (name: WeightName): number[][][] => {
    const { rows, columns } = like[name];
    const matrix = (): number[][] =>
      Array.from({ length: rows }, () => Array.from(source.normals(columns, scales[name] / Math.sqrt(rows))));
    if (!mirrored) return Array.from({ length: heads }, matrix);
    return Array.from({ length: heads / 2 }, matrix).flatMap((first) => {
      return [first, name === "value" ? first.map((row) => row.map((value) => -value)) : first.map((row) => [...row])];
    });
  };
  return { query: draw("query"), key: draw("key"), value: draw("value"), output: draw("output") };
}

/** One draw and its certificate. */
export interface Draw {
  readonly weights: DrawnWeights;
  readonly certificate: Certificate;
}

/** Draws weights from a seed and checks them. */
export function judgeDraw(
  problem: ConvergenceProblem,
  checked: CheckedProblem,
  initialization: Initialization,
  options: ConvergenceOptions,
  seed: number,
): Draw {
  const weights = drawWeights(checked, initialization, random(seed));
  return { weights, certificate: checkConvergence({ ...problem, weights }, options).certificate };
}

/** The share of certified draws over the seeds `seed`, `seed + 1`, ... */
export function certifiedShare(
  problem: ConvergenceProblem,
  checked: CheckedProblem,
  initialization: Initialization,
  options: ConvergenceOptions,
  { seed, draws }: { readonly seed: number; readonly draws: number },
): Proportion {
  const certified = Array.from({ length: draws }, (_, draw) =>
    judgeDraw(problem, checked, initialization, options, seed + draw),
  );
  return proportion(certified.filter(({ certificate }) => certificate.certified).length, draws);
}

const scale = needed(finite);

/** Checks the description of an initialisation. Throws `ArgumentError`. */
export function checkInitialization(where: string, initialization: Initialization): Initialization {
  const kinds = {
    heads: needed(whole(1)),
    mirrored: needed(flag),
    scales: needed(record as Kind<Initialization["scales"]>),
  };
  const checked = checkOptions(where, initialization, kinds, "initialization");
  const { heads, mirrored, scales } = checked;
  checkOptions(where, scales, { query: scale, key: scale, value: scale, output: scale }, "initialization.scales");
  if (mirrored && heads % 2 === 1) {
    throw new ArgumentError({
      where,
      argument: "heads",
      wanted: "an even number of heads to mirror",
      got: String(heads),
    });
  }
  return checked;
}

/**
 * The probability that random weights of the distribution `initialization` are certified, estimated from seeded draws,
 * with Wilson's 95 % interval.
 *
 * Of the problem's weights only the shapes matter. Throws `ShapeError` and `NonFiniteError` for a malformed problem,
 * `ArgumentError` for unknown options, an odd number of heads to mirror, or no draws.
 *
 * @param options as of `checkConvergence`, with a first `seed` (default 1) and a number of `draws` (default 40)
 * @example
 * const initialization = { heads: 4, mirrored: true, scales: { query: 1, key: 1, value: 10, output: 1 } };
 * const { share } = convergenceProbability(problem, initialization, { kernel: gaussian(), trainable: ["value"] });
 */
export function convergenceProbability(
  problem: ConvergenceProblem,
  initialization: Initialization,
  options: ConvergenceOptions & { readonly seed?: number; readonly draws?: number },
): Proportion {
  const where = "convergenceProbability";
  const checked = checkInitialization(where, initialization);
  const {
    seed = 1,
    draws = 40,
    ...own
  } = checkOptions(where, options, { ...convergenceOptions, seed: wholeNumber, draws: whole(1) });
  return certifiedShare(problem, checkProblem(problem), checked, own, { seed, draws });
}

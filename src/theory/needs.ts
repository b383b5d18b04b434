import { Matrix } from "ml-matrix";
import type { TiledKernel } from "../kernels/kernel.js";
import { linearize } from "./linearization.js";
import { localCertificate, type LocalCertificate } from "./local-certificate.js";
import { firstRoot } from "./majorant.js";
import type { CheckedProblem, WeightName } from "./problem.js";

/** What a certificate would need, each alone. */
export interface Needs {
  /** How many times smaller ‖Ŷ - Y‖ would have to be at these weights; null if no residual would do. */
  readonly residual: number | null;
  /**
   * How many times larger W^V would have to be at an unchanged residual, as with mirrored heads; null if none of the
   * factors tried would do.
   */
  readonly value: number | null;
  /** A step size that would do; null if the step is not what is missing. */
  readonly stepSize: number | null;
}

/** Largest factor of W^V that is tried, and the precision of the one that is found. */
const MOST = 2 ** 20;
const PRECISION = 1.05;

/** h: how many times smaller the residual would have to be. Infinite without full row rank. */
export function nonlinearityOf(local: LocalCertificate): number {
  if (local.tube === null) return Infinity;
  return local.distance / firstRoot(local, local.tube).reachable;
}

/** The problem with W^V multiplied by a factor, and targets moved so that the residual stays. */
function withLargerValues(problem: CheckedProblem, kernel: TiledKernel, factor: number): CheckedProblem {
  const scaled = problem.heads.map((head) => ({ ...head, value: Matrix.mul(head.value, factor) }));
  const any = new Set<WeightName>(["value"]);
  const before = linearize(problem, kernel, any).residual;
  const after = linearize({ ...problem, heads: scaled }, kernel, any).residual;
  let place = 0;
  const targets = problem.targets.map((target) => {
    const moved = target.clone();
    for (let row = 0; row < moved.rows; row++) {
      for (let column = 0; column < moved.columns; column++, place++) {
        moved.set(row, column, moved.get(row, column) + after[place] - before[place]);
      }
    }
    return moved;
  });
  return { ...problem, heads: scaled, targets };
}

/** A factor of W^V that makes h smaller than 1; one a few percent smaller does not. */
export function valueFactor(
  problem: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
): number | null {
  const holds = (factor: number): boolean =>
    nonlinearityOf(localCertificate(withLargerValues(problem, kernel, factor), kernel, trainable)) < 1;
  let [low, high] = [1, 2];
  while (!holds(high)) {
    if (high >= MOST) return null;
    [low, high] = [high, 2 * high];
  }
  while (high / low > PRECISION) {
    const middle = Math.sqrt(low * high);
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

const factorText = (factor: number): string => factor.toPrecision(factor < 100 ? 2 : 3);

/** The needs as one sentence. */
export function needsText({ residual, value, stepSize }: Needs, distance: number): string {
  const ways = [
    ...(residual === null
      ? []
      : [
          `the residual would have to be ${factorText(residual)} times smaller ` +
            `(‖Ŷ - Y‖ = ${distance.toPrecision(3)}, at most ${(distance / residual).toPrecision(3)})`,
        ]),
    ...(value === null
      ? []
      : [
          `W^V ${factorText(value)} times larger at the same residual ` +
            "(mirrored heads keep it; see suggestInitialization)",
        ]),
    ...(stepSize === null ? [] : [`steps of ${stepSize.toPrecision(3)} would do`]),
  ];
  return ways.length === 0 ? "" : `For a proof ${ways.join(", or ")}.`;
}

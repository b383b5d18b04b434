import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { initialParameters } from "../cpu/weights.js";
import type { DerivativeBounds, TiledKernel } from "../kernels/kernel.js";
import { worstCaseRounding } from "../numerics/rounding.js";
import type { CheckedProblem, Head, WeightName } from "./problem.js";
import { singularValues } from "./spectrum.js";

/** A bound `‖J(θ) - J(θ')‖ ≤ L_J ‖θ - θ'‖`. */
export interface Lipschitz {
  readonly value: number;
  /** True if proved for all weights in the ball; false if it is the largest value of a sample. */
  readonly rigorous: boolean;
  readonly note: string;
}

type Difference = Extract<DerivativeBounds, { of: "difference" }>;

export const rowNorms = (matrix: Matrix): number[] => matrix.to2DArray().map((row) => Math.hypot(...row));
export const spectralNorm = (matrix: Matrix): number => {
  const largest = singularValues(matrix)[0];
  return largest + worstCaseRounding(Math.max(matrix.rows, matrix.columns), largest);
};

/** The largest eigenvalue of the quadratic form p a² + 2(v a b + o a c + w b c), all coefficients ≥ 0. */
export function largestForm(p: number, v: number, o: number, w: number): number {
  if (v === 0 && o === 0) return Math.max(p, w);
  const scale = Math.max(p, v, o, w);
  if (!Number.isFinite(scale)) return Infinity;
  const form = new Matrix([
    [p, v, o],
    [v, 0, w],
    [o, w, 0],
  ]).div(scale);
  const { realEigenvalues } = new EigenvalueDecomposition(form, { assumeSymmetric: true });
  return scale * (Math.max(...realEigenvalues) + worstCaseRounding(3, 3));
}

/**
 * T3 and its extension: the constant of one head for a weight w(q - k) with bounded derivatives, as the square root of
 * a sum over tokens.
 *
 * Let α, β, ω be the norms of the changes of (W^Q, W^K), W^V and W^O. Row t of the second derivative is then at most
 * `pα² + 2vαβ + 2oαω + 2wβω`, where `p = curvature Σ_j f_tj ‖u_j‖`, `v = slope Σ_j √f_tj ‖x_j‖
 * ‖W^O‖`, `o` the same with ‖W^V‖, `w = weight Σ_j ‖x_j‖`, and `f_tj = ‖x_t‖²` (query), `‖x_j‖²`
 * (key), or their sum. The norms of trained weights grow by the radius.
 */
function headConstant(
  inputs: readonly Matrix[],
  { value, output }: Head,
  boundsFor: (input: Matrix) => Difference,
  trainable: ReadonlySet<WeightName>,
  radius: number,
): number {
  const [valueRadius, outputRadius] = (["value", "output"] as const).map((name) => (trainable.has(name) ? radius : 0));
  const [valueNorm, outputNorm] = [spectralNorm(value), spectralNorm(output)];
  let sum = 0;
  for (const input of inputs) {
    const bounds = boundsFor(input);
    const tokens = rowNorms(input);
    const reached = rowNorms(input.mmul(value).mmul(output)).map(
      (length, j) =>
        length + tokens[j] * (valueRadius * outputNorm + valueNorm * outputRadius + valueRadius * outputRadius),
    );
    for (const own of tokens) {
      let [p, v, o, w] = [0, 0, 0, 0];
      tokens.forEach((token, j) => {
        const factor = (trainable.has("query") ? own ** 2 : 0) + (trainable.has("key") ? token ** 2 : 0);
        p += bounds.curvature * factor * reached[j];
        if (trainable.has("value")) v += bounds.slope * Math.sqrt(factor) * token * (outputNorm + outputRadius);
        if (trainable.has("output")) o += bounds.slope * Math.sqrt(factor) * token * (valueNorm + valueRadius);
        if (trainable.has("value") && trainable.has("output")) w += bounds.weight * token;
      });
      sum += largestForm(p, v, o, w) ** 2;
    }
  }
  return Math.sqrt(sum);
}

/** The largest distance between two rows. */
function diameter(matrix: Matrix): number {
  const rows = matrix.to2DArray();
  return Math.max(...rows.map((a) => Math.max(...rows.map((b) => Math.hypot(...a.map((x, c) => x - b[c]))))));
}

/**
 * One head's constant if only W^Q trains, for weights e^s over their row sum and s = c q·k + terms of q or k alone.
 * Row t is at most `c² ‖x_t‖² (Δ_k/2)² Δ_u`, where Δ_k and Δ_u are the largest distances between two keys
 * and between two value rows.
 */
function queryConstant(
  inputs: readonly Matrix[],
  { key, value, output }: Head,
  slopeFor: (input: Matrix) => number,
): number {
  const sum = inputs.reduce((total, input) => {
    // a common part of the tokens would round away what they differ by
    const apart = input.clone().subRowVector(input.getRow(0));
    const keys = diameter(apart.mmul(key));
    const values = diameter(apart.mmul(value).mmul(output));
    return (
      total + rowNorms(input).reduce((rows, own) => rows + ((slopeFor(input) * own * keys) ** 2 * (values / 4)) ** 2, 0)
    );
  }, 0);
  return Math.sqrt(sum);
}

/**
 * A proved Lipschitz constant of the Jacobian on the ball of `radius` around the weights, or null if none is known.
 *
 * `stackedNorm` is σ_max(B). Statements and proofs: docs/theory.md, T2 and T3.
 */
export function provedLipschitz(
  { inputs, heads }: CheckedProblem,
  kernel: TiledKernel,
  trainable: ReadonlySet<WeightName>,
  radius: number,
  stackedNorm: number,
): Lipschitz | null {
  const proved = (value: number, note: string): Lipschitz => ({ value, rigorous: true, note });
  if (!trainable.has("query") && !trainable.has("key")) {
    if (trainable.size === 1) return proved(0, "the outputs are linear in the trained weights");
    return proved(stackedNorm, "σ_max(B), the outputs being bilinear in W^V and W^O");
  }
  const { derivativeBounds } = kernel;
  if (derivativeBounds === undefined) return null;
  const boundsOf = ({ query }: Head, input: Matrix): DerivativeBounds =>
    derivativeBounds(initialParameters(kernel, input.rows, input.rows, query.columns));
  if (boundsOf(heads[0], inputs[0]).of === "difference") {
    const constants = heads.map((head) =>
      headConstant(inputs, head, (input) => boundsOf(head, input) as Difference, trainable, radius),
    );
    const value = Math.max(...constants);
    return Number.isFinite(value) ? proved(value, "T3, from bounds on the derivatives of the kernel's weight") : null;
  }
  if (trainable.size === 1 && trainable.has("query")) {
    const constants = heads.map((head) => queryConstant(inputs, head, (input) => boundsOf(head, input).slope));
    return proved(Math.max(...constants), "from the variance of the scores of a row");
  }
  return null;
}

import type { Matrix } from "ml-matrix";
import type { DerivativeBounds } from "../kernels/kernel.js";
import { worstCaseRounding } from "../numerics/rounding.js";
import { gram, largestEigenvalue, matrixOf, weighted } from "./gram.js";
import { rowNorms, spectralNorm } from "./lipschitz.js";
import type { Head, WeightName } from "./problem.js";
import type { Row } from "./row-form.js";

type Difference = Extract<DerivativeBounds, { of: "difference" }>;

/**
 * The rows of one head on one sample for weights w(q_t - k_j) without a row normaliser.
 *
 * The difference z_tj moves by ⟨a, ξ_tj⟩ with ξ_tj = (x_t, -x_j), each half only if its matrix trains, so z_tj
 * stays within ‖ξ_tj‖ρ of its place. With the kernel's bounds there, c_j on ‖∇²w‖ and s_j on ‖∇w‖:
 *
 *     p = λ_max(Σ_j c_j U_j ξ_j ξ_jᵀ), U_j = ‖u_j‖ + ‖x_j‖ drift
 *     v = ‖X‖ √λ_max(Σ_j s_j² ξ_j ξ_jᵀ) ‖W^O‖, o the same with ‖W^V‖
 *     m = ‖X‖ √Σ_j w_j²
 */
export function differenceRows(
  input: Matrix,
  { query, key, value, output }: Head,
  trainable: ReadonlySet<WeightName>,
  bounds: Difference,
): Row[] {
  const { within = () => bounds } = bounds;
  const [queries, keys] = [input.mmul(query).to2DArray(), input.mmul(key).to2DArray()];
  const tokens = gram(input).matrix;
  const lengths = rowNorms(input);
  const reached = rowNorms(input.mmul(value).mmul(output));
  const [byQuery, byKey] = [trainable.has("query") ? 1 : 0, trainable.has("key") ? 1 : 0];
  const inputNorm = spectralNorm(input);
  return queries.map((own, t): Row => {
    const distances = keys.map((other) => Math.hypot(...own.map((x, c) => x - other[c])));
    const products = matrixOf(input.rows, (i, j) => byQuery * tokens.get(t, t) + byKey * tokens.get(i, j));
    const roundings = lengths.map((length) =>
      worstCaseRounding(input.columns, lengths[t] * query.norm("frobenius") + length * key.norm("frobenius")),
    );
    const freedom = lengths.map((_, j) => Math.sqrt(products.get(j, j)));
    /**
     * λ_max(Σ_j a_j ξ_j ξ_jᵀ) by the inner products of the ξ_j, divided by the largest a_j: small ones
     * underflow.
     */
    const share = (factors: readonly number[]): number => largestEigenvalue(weighted(products, factors));
    /** √λ_max(Σ_j s_j² ξ_j ξ_jᵀ) */
    const root = (slopes: readonly number[]): number => {
      const most = Math.max(...slopes);
      return most === 0 ? 0 : most * Math.sqrt(share(slopes.map((slope) => (slope / most) ** 2)));
    };
    return ({ radius, drift, valueNorm, outputNorm }) => {
      const places = distances.map((distance, j) => within(distance, freedom[j] * radius + roundings[j]));
      const cross = inputNorm * root(places.map(({ slope }) => slope));
      const curvatures = places.map(({ curvature }, j) => curvature * (reached[j] + lengths[j] * drift));
      const most = Math.max(...curvatures);
      return {
        p: most === 0 ? 0 : most * share(curvatures.map((factor) => factor / most)),
        v: cross * outputNorm,
        o: cross * valueNorm,
        m: inputNorm * Math.hypot(...places.map(({ weight }) => weight)),
      };
    };
  });
}

import { having, listOf, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { QrDecomposition, SingularValueDecomposition, type Matrix } from "ml-matrix";
import { ArgumentError, NonFiniteError, ShapeError } from "../core/errors.js";
import { worstCaseRounding } from "../numerics/rounding.js";
import { toMatrix, type Rows } from "../numerics/rows.js";
import { dot } from "../numerics/vectors.js";

/** The query-key interaction of one head, in singular modes in descending order. */
export interface HeadDissection {
  /** The d largest singular values σ_m. The other D - d are zero. */
  readonly singularValues: readonly number[];
  /**
   * u_m·v_m of the modes whose σ_m exceeds rounding. At 1 tokens attend to similar tokens, at -1 to opposite ones.
   */
  readonly cosines: readonly number[];
  /** u_m of each mode, D numbers: directions of the querying tokens. */
  readonly left: readonly Float64Array[];
  /** v_m of each mode, D numbers: directions of the tokens that are attended to. */
  readonly right: readonly Float64Array[];
  /** `‖(M + Mᵀ)/2‖² / ‖M‖²`. The antisymmetric part has the remaining share. NaN for M = 0. */
  readonly symmetricShare: number;
}

const dissection = having<HeadDissection>("what dissectHead gives", ["singularValues", "cosines", "left", "right"]);

/** The QR decomposition of a tall matrix: orthonormal columns Q and the triangle R. */
function orthogonalize(matrix: Matrix): { readonly basis: Matrix; readonly triangle: Matrix } {
  const factors = new QrDecomposition(matrix);
  return { basis: factors.orthogonalMatrix, triangle: factors.upperTriangularMatrix };
}

/**
 * Singular modes of the query-key interaction `M = W_qᵀ W_k = Σ_m σ_m u_m v_mᵀ` of one head. The score of tokens
 * x and y is xᵀ M y, without biases and 1/√d.
 *
 * M [D, D] is never formed: with W_qᵀ = Q₁R₁ and W_kᵀ = Q₂R₂, its singular vectors are those of the d × d
 * matrix R₁R₂ᵀ multiplied by Q₁ and Q₂. The symmetric share is `½ + tr(B²)/(2 Σσ²)` with B = W_k W_qᵀ.
 * Source: Pan et al., arXiv 2405.14880.
 * @param queryRows W_q, d rows of D numbers, d ≤ D
 * @param keyRows W_k, d rows of D numbers
 * @throws ShapeError for matrices of other shapes, NonFiniteError for NaN, infinity, or products that overflow.
 * @example
 * const layers = findAttention(weights.tensors);
 * const query = await readProjection(weights, layers, 0, "query"); // [heads·d, D]
 * const key = await readProjection(weights, layers, 0, "key");
 * const head = dissectHead(query.slice(0, 64), key.slice(0, 64)); // the first head, if d = 64
 */
export function dissectHead(queryRows: Rows, keyRows: Rows): HeadDissection {
  const query = toMatrix("dissectHead", "query", queryRows);
  const key = toMatrix("dissectHead", "key", keyRows);
  const { rows, columns } = query;
  if (key.rows !== rows || key.columns !== columns || rows > columns) {
    throw new ShapeError({
      where: "dissectHead",
      wanted: "W_q and W_k of one shape [d, D] with d <= D",
      got: `[${rows}, ${columns}] and [${key.rows}, ${key.columns}]`,
    });
  }
  const [ask, answer] = [query, key].map((matrix) => orthogonalize(matrix.transpose()));
  const small = new SingularValueDecomposition(ask.triangle.mmul(answer.triangle.transpose()));
  const order = small.diagonal.map((_, mode) => mode).sort((a, b) => small.diagonal[b] - small.diagonal[a]);
  const singularValues = order.map((mode) => small.diagonal[mode]);
  if (!singularValues.every(Number.isFinite)) {
    throw new NonFiniteError({
      where: "dissectHead",
      wanted: "W_q and W_k whose entries and products are finite",
      got: `singular values ${singularValues.slice(0, 4).join(", ")}`,
    });
  }
  // below this singular vectors are rounding noise
  const threshold = worstCaseRounding(columns, singularValues[0]);
  const kept = order.filter((mode) => small.diagonal[mode] > threshold);
  const vectors = (basis: Matrix, inner: Matrix): Float64Array[] => {
    if (kept.length === 0) return [];
    const product = basis.mmul(inner.subMatrixColumn(kept));
    return kept.map((_, mode) => Float64Array.from(product.getColumn(mode)));
  };
  const [left, right] = [
    vectors(ask.basis, small.leftSingularVectors),
    vectors(answer.basis, small.rightSingularVectors),
  ];
  const cosines = kept.map((_, mode) => dot(left[mode], right[mode]));
  const square = singularValues.reduce((sum, value) => sum + value ** 2, 0);
  return {
    singularValues,
    cosines,
    left,
    right,
    symmetricShare: 0.5 + traceOfSquare(key.mmul(query.transpose())) / (2 * square),
  };
}

function traceOfSquare(matrix: Matrix): number {
  let trace = 0;
  for (let row = 0; row < matrix.rows; row++)
    for (let column = 0; column < matrix.rows; column++) trace += matrix.get(row, column) * matrix.get(column, row);
  return trace;
}

/** Means over the heads of a layer. */
export interface CosineSummary {
  /** The mean of the cosines over all modes of all heads. */
  readonly plain: number;
  /** The mean over heads of Σσ_m cos_m / Σσ_m, which is tr M / ‖M‖_* (trace over nuclear norm). */
  readonly weighted: number;
  /** The number of modes in the means. */
  readonly modes: number;
  /** `Σ w²` over the weights w of all modes in each mean, which determines its noise (`meanCosineNoise`). */
  readonly squaredWeights: { readonly plain: number; readonly weighted: number };
}

/**
 * Means of the cosines over the heads of a layer. Heads without modes are left out. If no head has modes, the means are
 * NaN.
 */
export function summarizeCosines(heads: readonly Pick<HeadDissection, "singularValues" | "cosines">[]): CosineSummary {
  checkArguments(
    "summarizeCosines",
    { heads },
    { heads: listOf(having<(typeof heads)[number]>("what dissectHead gives", ["singularValues", "cosines"])) },
  );
  const alive = heads.filter(({ cosines }) => cosines.length > 0);
  const modes = alive.reduce((sum, { cosines }) => sum + cosines.length, 0);
  let [plain, weighted, squares] = [0, 0, 0];
  for (const { singularValues, cosines } of alive) {
    const total = cosines.reduce((sum, _, mode) => sum + singularValues[mode], 0);
    cosines.forEach((cosine, mode) => {
      const weight = singularValues[mode] / total / alive.length;
      plain += cosine / modes;
      weighted += weight * cosine;
      squares += weight ** 2;
    });
  }
  return modes === 0
    ? { plain: NaN, weighted: NaN, modes, squaredWeights: { plain: NaN, weighted: NaN } }
    : { plain, weighted, modes, squaredWeights: { plain: 1 / modes, weighted: squares } };
}

/** The projections of tokens on the singular vectors of one mode. */
export interface ModeMap {
  /** x_i·u_m of every token. */
  readonly queries: readonly number[];
  /** x_j·v_m of every token. */
  readonly keys: readonly number[];
}

/**
 * Projects inputs X [n, D] on mode m. The mode contributes `σ_m (x_i·u_m)(x_j·v_m)` to the score of tokens i and j,
 * before biases and 1/√d.
 *
 * @param head what `dissectHead` gave
 * @param mode the mode m, from 0
 * @param inputs X, n rows of D numbers
 * @throws ShapeError for inputs of another width, ArgumentError for an unknown mode, NonFiniteError for tokens with NaN
 * or infinity.
 * @example
 * const { queries, keys } = modeMap(dissectHead(queryRows, keyRows), 0, tokens); // x_i·u_0 and x_j·v_0
 */
export function modeMap(head: HeadDissection, mode: number, inputs: Rows): ModeMap {
  checkArguments("modeMap", { head, mode }, { head: dissection, mode: whole(0) });
  if (mode >= head.left.length)
    throw new ArgumentError({
      where: "modeMap",
      argument: "mode",
      wanted: `one of ${head.left.length} modes, from 0`,
      got: String(mode),
    });
  const tokens = toMatrix("modeMap", "inputs", inputs);
  const width = head.left[mode].length;
  if (tokens.columns !== width) {
    throw new ShapeError({
      where: "modeMap",
      argument: "inputs",
      wanted: `tokens of width ${width}`,
      got: `width ${tokens.columns}`,
    });
  }
  const [queries, keys] = [head.left, head.right].map((vectors) =>
    tokens.to2DArray().map((token) => dot(token, vectors[mode])),
  );
  const wrong = queries.findIndex((value, token) => !Number.isFinite(value) || !Number.isFinite(keys[token]));
  if (wrong >= 0)
    throw new NonFiniteError({
      where: "modeMap",
      argument: "inputs",
      wanted: "tokens whose projections are finite",
      got: `${queries[wrong]} and ${keys[wrong]} from token ${wrong}`,
    });
  return { queries, keys };
}

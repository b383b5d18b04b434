import { having, listOf, whole } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { Matrix, QrDecomposition, SingularValueDecomposition } from "ml-matrix";
import { ArgumentError, NonFiniteError, ShapeError } from "../core/errors.js";
import { worstCaseRounding } from "../numerics/rounding.js";

/** The query-key interaction of one head, in singular modes in descending order. */
export interface HeadDissection {
  /** The d largest singular values σ_m. The other D - d are zero. */
  readonly singularValues: readonly number[];
  /** u_m·v_m of the modes whose σ_m exceeds rounding. At 1 tokens attend to similar tokens, at -1 to opposite ones. */
  readonly cosines: readonly number[];
  /** Columns u_m [D, modes]: directions of the querying tokens. */
  readonly left: Matrix;
  /** Columns v_m [D, modes]: directions of the tokens that are attended to. */
  readonly right: Matrix;
  /** `‖(M + Mᵀ)/2‖² / ‖M‖²`. The antisymmetric part has the remaining share. NaN for M = 0. */
  readonly symmetricShare: number;
}

const matrix = having<Matrix>("a Matrix of ml-matrix", ["rows", "columns", "mmul"]);
const dissection = having<HeadDissection>("what dissectHead gives", ["singularValues", "cosines", "left", "right"]);

/** The QR decomposition of a tall matrix: orthonormal columns Q and the triangle R. */
function orthogonalize(matrix: Matrix): { readonly basis: Matrix; readonly triangle: Matrix } {
  const factors = new QrDecomposition(matrix);
  return { basis: factors.orthogonalMatrix, triangle: factors.upperTriangularMatrix };
}

/**
 * Singular modes of the query-key interaction `M = W_qᵀ W_k = Σ_m σ_m u_m v_mᵀ` of one head. The score of tokens x and
 * y is xᵀ M y, without biases and 1/√d.
 *
 * M [D, D] is never formed: with W_qᵀ = Q₁R₁ and W_kᵀ = Q₂R₂, its singular vectors are those of the d × d matrix R₁R₂ᵀ
 * multiplied by Q₁ and Q₂. The symmetric share is `½ + tr(B²)/(2 Σσ²)` with B = W_k W_qᵀ. Source: Pan et al., arXiv
 * 2405.14880.
 * @param query W_q [d, D], d ≤ D
 * @param key W_k [d, D]
 * @throws ShapeError for matrices of other shapes, NonFiniteError for NaN, infinity, or products that overflow.
 */
export function dissectHead(query: Matrix, key: Matrix): HeadDissection {
  checkArguments("dissectHead", { query, key }, { query: matrix, key: matrix });
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
  const vectors = (basis: Matrix, inner: Matrix): Matrix =>
    kept.length === 0 ? new Matrix(columns, 0) : basis.mmul(inner.subMatrixColumn(kept));
  const [left, right] = [
    vectors(ask.basis, small.leftSingularVectors),
    vectors(answer.basis, small.rightSingularVectors),
  ];
  const cosines = kept.map((_, mode) => {
    let sum = 0;
    for (let row = 0; row < columns; row++) sum += left.get(row, mode) * right.get(row, mode);
    return sum;
  });
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
 * @throws ShapeError for inputs of another width, ArgumentError for an unknown mode, NonFiniteError for tokens with NaN
 * or infinity.
 */
export function modeMap(head: HeadDissection, mode: number, inputs: Matrix): ModeMap {
  checkArguments("modeMap", { head, mode, inputs }, { head: dissection, mode: whole(0), inputs: matrix });
  if (mode >= head.left.columns)
    throw new ArgumentError({
      where: "modeMap",
      argument: "mode",
      wanted: `one of ${head.left.columns} modes, from 0`,
      got: String(mode),
    });
  if (inputs.columns !== head.left.rows) {
    throw new ShapeError({
      where: "modeMap",
      argument: "inputs",
      wanted: `tokens of width ${head.left.rows}`,
      got: `width ${inputs.columns}`,
    });
  }
  const [queries, keys] = [head.left, head.right].map((vectors) =>
    inputs.mmul(vectors.getColumnVector(mode)).to1DArray(),
  );
  const wrong = queries.findIndex((value, token) => !Number.isFinite(value) || !Number.isFinite(keys[token]));
  if (wrong >= 0)
    throw new NonFiniteError({
      where: "modeMap",
      argument: "inputs",
      wanted: "finite tokens",
      got: `${queries[wrong]} and ${keys[wrong]} from token ${wrong}`,
    });
  return { queries, keys };
}

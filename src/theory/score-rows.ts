import { Matrix } from "ml-matrix";
import {
  centred,
  covariance,
  deviation,
  gram,
  gramDiameter,
  longestOf,
  matrixOf,
  signedForm,
  type Products,
} from "./gram.js";
import { rowNorms } from "./lipschitz.js";
import type { Head, WeightName } from "./problem.js";
import type { Row } from "./row-form.js";

/** What is known of a row-normalised kernel. */
interface Scores {
  /** c of the scores c q·k. */
  readonly slope: number;
  /** `difference`: the scores have the term -c/2‖k‖² besides. */
  readonly keys: "product" | "difference";
  /** The kernel matrix at the centre. */
  readonly weights: Matrix;
}

/** Largest ω whose growth e^ω is used; beyond, diameters and lengths alone bound everything. */
const MOST_GROWTH = 300;

/** Probabilities count as at least this, which those that underflow do not exceed. */
const LEAST = 2 ** -1000;

/** The rows minus the first: it cancels what is common to them before anything is rounded by its size. */
const apart = (rows: Matrix): Matrix => rows.clone().subRowVector(rows.getRow(0));

/**
 * The rows of one head on one sample for weights e^s over their row sum.
 *
 * Up to terms of the query alone, s_tj changes by c⟨a, F_j⟩ with F_j = (x_t ⊗ k_j, x_j ⊗ ζ_j) and ζ_j = q_t,
 * or q_t - k_j with the term of the keys. Each half counts only if its matrix trains. In the ball F_j moves by at most
 * Δ_j, and no probability grows by more than e^ω with ω = cρ(diameter of the F_j + max Δ_j). Every mean over the
 * row is taken at the centre and bounded in the ball. Proof: docs/certificates.md, T3 on a ball.
 */
export function scoreRows(
  input: Matrix,
  { query, key, value, output }: Head,
  trainable: ReadonlySet<WeightName>,
  { slope, keys, weights }: Scores,
): Row[] {
  const size = input.rows;
  const [byQuery, byKey] = [trainable.has("query") ? 1 : 0, trainable.has("key") ? 1 : 0];
  const differences = keys === "difference";
  // k_j, x_j and u_j minus those of the first token: what the tokens share cancels in every row
  const moving = apart(input);
  const [asked, offered, reached] = [input.mmul(query), moving.mmul(key), moving.mmul(value).mmul(output)];
  const shifts = rowNorms(moving);
  const sized = (factor: number): number[] => shifts.map((shift) => (shift * factor) ** 2);
  const [keyNorm, reachedNorm] = [key.norm("frobenius"), value.norm("frobenius") * output.norm("frobenius")];
  const tokens = gram(moving);
  const offers = gram(offered, sized(keyNorm));
  const values = gram(reached, sized(reachedNorm));
  const lengths = rowNorms(input);
  const [first, longest] = [lengths[0], Math.max(...lengths)];
  const [tokenDiameter, valueDiameter] = [gramDiameter(tokens), gramDiameter(values)];
  const along = moving.mmul(input.getRowVector(0).transpose()).to1DArray(); // (x_j - x_0)·x_0
  /** x_j x_jᵀ - x_0 x_0ᵀ */
  const squares: Products = {
    matrix: matrixOf(size, (i, j) => {
      const product = tokens.matrix.get(i, j);
      const mixed = product * (along[i] + along[j] + first ** 2) + along[i] * along[j];
      return product ** 2 + 2 * mixed;
    }),
    sizes: shifts.map((shift) => (shift ** 2 + 2 * shift * first) ** 2),
  };
  const base = input.getRowVector(0).mmul(key).to1DArray();
  return lengths.map((own, t): Row => {
    const p = weights.getRow(t).map((weight) => Math.max(weight, LEAST));
    const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number, j) => sum + p[j] * number, 0);
    const row = asked.getRow(t);
    const askedLength = Math.hypot(...row);
    /** ζ_j, and numbers whose sum it is. */
    const pulls = differences
      ? Matrix.mul(offered, -1).addRowVector(row.map((q, c) => q - base[c]))
      : Matrix.zeros(size, row.length).addRowVector(row);
    const pullSizes = shifts.map((shift) => askedLength + (differences ? (first + shift) * keyNorm : 0));
    const pairs = pulls.mmul(pulls.transpose());
    const crosses = pulls.mmul(offered.transpose()); // ζ_i·(k_j - k_0)
    const products: Products = {
      // x_j ⊗ ζ_j - x_0 ⊗ ζ_0 = (x_j - x_0) ⊗ ζ_j - x_0 ⊗ (k_j - k_0), the last with the term of the keys
      // alone
      matrix: matrixOf(size, (i, j) => {
        const rest = differences
          ? first ** 2 * offers.matrix.get(i, j) - along[i] * crosses.get(i, j) - along[j] * crosses.get(j, i)
          : 0;
        return (
          byQuery * own ** 2 * offers.matrix.get(i, j) + byKey * (tokens.matrix.get(i, j) * pairs.get(i, j) + rest)
        );
      }),
      sizes: shifts.map((shift, j) => {
        const ofKeys = shift * pullSizes[j] + (differences ? first * shift * keyNorm : 0);
        return byQuery * (own * shift * keyNorm) ** 2 + byKey * ofKeys ** 2;
      }),
    };
    /** Δ_j / ρ. */
    const moves = lengths.map((length) => {
      const both = byQuery * byKey * (own * length) ** 2;
      return Math.sqrt(differences ? both + byKey * length ** 2 * (byQuery * own ** 2 + length ** 2) : both);
    });
    const [farthest, typical] = [Math.max(...moves), Math.sqrt(mean(moves.map((move) => move ** 2)))];
    const [diameter, spread] = [gramDiameter(products), deviation(products, p)];
    const [tokenSpread, valueSpread] = [deviation(tokens, p), deviation(values, p)];
    const squareSpread = byKey === 1 && differences ? deviation(squares, p) : 0;
    /** u_j - ū by outputs, times p_j. */
    const pulled = reached
      .transpose()
      .to2DArray()
      .map((column) => {
        const middle = mean(column);
        return column.map((u, j) => p[j] * (u - middle));
      });
    const farValue = longestOf(centred(values, p));
    const typicalShift = mean(shifts);
    const pulledLengths = shifts.map((shift, j) => p[j] * (shift + typicalShift) * reachedNorm);
    const third = signedForm(centred(products, p), pulled, pulledLengths, spread ** 2 * farValue);
    const [ofBoth, ofSquare] = [
      byQuery * byKey === 0 ? 0 : covariance(tokens, values, p),
      squareSpread === 0 ? 0 : signedForm(gram(input), pulled, pulledLengths, squareSpread * valueSpread),
    ];
    const crossed = covariance(products, tokens, p);
    const meanLength = mean(lengths);
    return ({ radius, drift, valueNorm, outputNorm }) => {
      const exponent = slope * radius * (diameter + radius * farthest);
      const growth = Math.exp(Math.min(MOST_GROWTH, exponent));
      const [grown, shift] = [Math.sqrt(growth), Math.expm1(Math.min(MOST_GROWTH, exponent))];
      /** The smaller of a bound that holds for all probabilities, and one by their growth. */
      const smaller = (always: number, byGrowth: number): number =>
        exponent <= MOST_GROWTH ? Math.min(always, byGrowth) : always;
      const scores = smaller(diameter / 2 + radius * farthest, grown * (spread + radius * typical));
      const tokensIn = smaller(tokenDiameter / 2, grown * tokenSpread);
      const valuesIn = smaller(
        (valueDiameter + drift * tokenDiameter) / 2,
        grown * (valueSpread + drift * tokenSpread),
      );
      const squaresIn = smaller(longest ** 2 / 2, grown * squareSpread);
      const far = smaller(valueDiameter, farValue + shift * valueSpread) + drift * tokenDiameter;
      /** A covariance in the ball, by that at the centre, both deviations there, and what the moves add. */
      const moved = (centre: number, a: number, b: number, added: number): number =>
        centre + growth * shift * a * b + added;
      const change = grown * radius * typical + shift * spread;
      const cube = smaller(
        scores ** 2 * far,
        third +
          shift * spread ** 2 * farValue +
          growth * spread ** 2 * (drift * tokenDiameter + shift * valueSpread) +
          far * change * (scores + grown * spread),
      );
      // the largest eigenvalue of [[0, b], [b, s]]: b of one change of W^Q and one of W^K, s of two of W^K
      const b =
        byQuery *
        byKey *
        own *
        smaller(tokensIn * valuesIn, moved(ofBoth, tokenSpread, valueSpread, drift * tokensIn ** 2));
      const s =
        squareSpread === 0
          ? 0
          : smaller(squaresIn * valuesIn, moved(ofSquare, squareSpread, valueSpread, drift * squaresIn * tokensIn));
      const cross =
        slope * smaller(scores * tokensIn, moved(crossed, spread, tokenSpread, grown * radius * typical * tokensIn));
      return {
        p: slope ** 2 * cube + (slope * (s + Math.hypot(s, 2 * b))) / 2,
        v: cross * outputNorm,
        o: cross * valueNorm,
        m: smaller(longest, growth * meanLength),
      };
    };
  });
}

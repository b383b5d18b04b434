import type { Matrix } from "ml-matrix";
import { centred, covariance, deviation, gram, gramDiameter, matrixOf, signedForm } from "./gram.js";
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

/** Largest growth e^ω that is computed; half of a diameter bounds what it would multiply. */
const MOST_GROWTH = 700;

/**
 * The rows of one head on one sample for weights e^s over their row sum.
 *
 * Up to terms of the query alone, s_tj changes by c⟨a, F_j⟩ with F_j = (x_t ⊗ k_j, x_j ⊗ ζ_j) and ζ_j = q_t, or
 * q_t - k_j with the term of the keys. Each half counts only if its matrix trains. In the ball F_j moves by at most Δ_j,
 * and no probability grows by more than e^ω with ω = cρ(diameter of the F_j + max Δ_j). Every mean over the row is
 * taken at the centre and bounded in the ball. Proof: docs/certificates.md, T3 on a ball.
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
  const [asked, offered, reached] = [input.mmul(query), input.mmul(key), input.mmul(value).mmul(output)];
  const [tokens, offers, values] = [gram(input), gram(offered), gram(reached)];
  const lengths = rowNorms(input);
  const longest = Math.max(...lengths);
  const [tokenDiameter, valueDiameter] = [gramDiameter(tokens), gramDiameter(values)];
  const squares = matrixOf(size, (i, j) => tokens.get(i, j) ** 2);
  const mixed = asked.mmul(offered.transpose()); // q_t·k_j
  return lengths.map((own, t): Row => {
    const p = weights.getRow(t);
    const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number, j) => sum + p[j] * number, 0);
    const askedLength = asked.getRow(t).reduce((sum, x) => sum + x ** 2, 0);
    const products = matrixOf(size, (i, j) => {
      const pull = differences ? offers.get(i, j) - mixed.get(t, i) - mixed.get(t, j) : 0;
      return byQuery * own ** 2 * offers.get(i, j) + byKey * tokens.get(i, j) * (askedLength + pull);
    });
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
    const centres = centred(values, p);
    const farValue = Math.sqrt(Math.max(0, ...lengths.map((_, j) => centres.get(j, j))));
    const third = signedForm(centred(products, p), pulled, spread ** 2 * farValue);
    const [ofBoth, ofSquare] = [
      byQuery * byKey === 0 ? 0 : covariance(tokens, values, p),
      squareSpread === 0 ? 0 : signedForm(tokens, pulled, squareSpread * valueSpread),
    ];
    const crossed = covariance(products, tokens, p);
    const meanLength = mean(lengths);
    return ({ radius, drift, valueNorm, outputNorm }) => {
      const growth = Math.exp(Math.min(MOST_GROWTH, slope * radius * (diameter + radius * farthest)));
      const [grown, shift] = [Math.sqrt(growth), growth - 1];
      const scores = Math.min(grown * (spread + radius * typical), diameter / 2 + radius * farthest);
      const tokensIn = Math.min(grown * tokenSpread, tokenDiameter / 2);
      const valuesIn = Math.min(
        grown * (valueSpread + drift * tokenSpread),
        (valueDiameter + drift * tokenDiameter) / 2,
      );
      const squaresIn = Math.min(grown * squareSpread, longest ** 2 / 2);
      const far = Math.min(farValue + shift * valueSpread, valueDiameter) + drift * tokenDiameter;
      /** A covariance in the ball, by that at the centre, both deviations there, and what the moves add. */
      const moved = (centre: number, a: number, b: number, added: number): number =>
        centre + growth * shift * a * b + added;
      const change = grown * radius * typical + shift * spread;
      const cube = Math.min(
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
        Math.min(tokensIn * valuesIn, moved(ofBoth, tokenSpread, valueSpread, drift * tokensIn ** 2));
      const s =
        squareSpread === 0
          ? 0
          : Math.min(squaresIn * valuesIn, moved(ofSquare, squareSpread, valueSpread, drift * squaresIn * tokensIn));
      const cross =
        slope * Math.min(scores * tokensIn, moved(crossed, spread, tokenSpread, grown * radius * typical * tokensIn));
      return {
        p: slope ** 2 * cube + (slope * (s + Math.hypot(s, 2 * b))) / 2,
        v: cross * outputNorm,
        o: cross * valueNorm,
        m: Math.min(longest, growth * meanLength),
      };
    };
  });
}

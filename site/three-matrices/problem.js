import { checkConvergence, kernels, random } from "attention-kernels";
import { lossCurve } from "attention-kernels/theory";

/**
 * The random problem of a seed: two samples of three tokens of width 8, one output a token.
 *
 * With `equalValues` the tokens of a sample share the first half of their columns, and W^V reads only these, so that
 * all value rows of a sample are equal.
 *
 * @param {{ seed: number, heads: number, queryKeyScale: number, valueScale: number, equalValues: boolean }} settings
 */
export function problemOf({ seed, heads, queryKeyScale, valueScale, equalValues }) {
  const [samples, tokens, width] = [2, 3, 8];
  const source = random(seed);
  const draw = (count, rows, columns, scale = 1) =>
    Array.from({ length: count }, () => Array.from({ length: rows }, () => [...source.normals(columns, scale)]));
  const weight = (scale, columns = width) => draw(heads, width, columns, scale / Math.sqrt(width));
  const inputs = draw(samples, tokens, width);
  const targets = draw(samples, tokens, 1);
  const weights = {
    query: weight(queryKeyScale),
    key: weight(queryKeyScale),
    value: weight(valueScale),
    output: weight(Math.sqrt(width), 1),
  };
  if (!equalValues) {
    const factor = 1 / Math.hypot(...targets.flat(2)); // so that ‖Y‖ = 1
    return { inputs, targets: targets.map((rows) => rows.map((row) => row.map((y) => factor * y))), weights };
  }
  const half = width / 2;
  const shared = ([first, ...others]) => [first, ...others.map((x) => [...first.slice(0, half), ...x.slice(half)])];
  const value = weights.value.map((matrix) => matrix.map((row, index) => (index < half ? row : row.map(() => 0))));
  return { inputs: inputs.map(shared), targets, weights: { ...weights, value } };
}

/** The largest eigenvalue of JJᵀ, of the outputs' Jacobian in the trained weights at the start. */
const largestEigenvalue = (problem, kernel, trainable) =>
  Math.max(...lossCurve(problem, { kernel, trainable, stepSize: 1 }).spectrum.eigenvalues);

/** A share of 1/σ_max(J)². Where T4 proves the gradient to be zero none follows; the Gaussian's is taken. */
export function stepSizeOf(problem, { kernel, trainable, stepShare }) {
  const { certificate, initialLoss } = checkConvergence(problem, { kernel, trainable });
  const hasNoGradient = certificate.theorem === "T4" && certificate.lossFloor > 0.999999 * initialLoss;
  return stepShare / largestEigenvalue(problem, hasNoGradient ? kernels.gaussian() : kernel, trainable);
}

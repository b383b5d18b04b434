import type { Condition } from "./condition.js";
import type { CheckedProblem } from "./problem.js";

/**
 * Whether the width D is at least the number of tokens of the longest sample. Otherwise its tokens, and the rows of S
 * X, are linearly dependent. Exact.
 */
export function embeddingDimension({ inputs }: CheckedProblem): Condition {
  const longest = Math.max(...inputs.map(({ rows }) => rows));
  const width = inputs[0].columns;
  return {
    name: "embeddingDimension",
    holds: width >= longest,
    value: width,
    threshold: longest,
    margin: width - longest,
    note:
      `The width of the inputs (${width}) must be at least the tokens of the longest sample (${longest}) ` +
      "for its tokens to be linearly independent.",
  };
}

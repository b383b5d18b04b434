import { ShapeError } from "../core/errors.js";
import { checkIndices, indicesKind, type Indices } from "../core/indices.js";
import { checkArguments } from "../core/options.js";
import { formatShape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import { multiply, square, subtract } from "./arithmetic.js";
import { reshape, sum } from "./broadcast.js";
import { mean } from "./reductions.js";
import { softmax, softmaxBackwardPrimitive } from "./rows.js";
import { apply, type Differentiable } from "./tape.js";

/** Sums rows into the rows of a table that the ids name; the transpose of a lookup. Input dy [..., width]. */
export const scatterPrimitive: Differentiable<{ readonly ids: Indices; readonly rows: number }> = {
  name: "scatter",
  infer: ([dy], { rows }) => [[rows, dy.at(-1)!]],
  vjp: ({ attributes: { ids } }, dTable) => [embedding(dTable!, ids)],
};

export const embeddingPrimitive: Differentiable<{ readonly ids: Indices }> = {
  name: "embedding",
  infer([table], { ids }) {
    if (table.length !== 2) {
      throw new ShapeError({ where: "embedding", argument: "table", wanted: "[rows, width]", got: formatShape(table) });
    }
    checkIndices("embedding", "ids", ids, table[0]);
    return [[...ids.shape, table[1]]];
  },
  vjp: ({ inputs, attributes: { ids } }, dy) => apply(scatterPrimitive, [dy!], { ids, rows: inputs[0].shape[0] }),
};

/** Row ids[...] of the table, for every id: table [rows, width], ids [...] gives [..., width]. */
export function embedding(table: Tensor, ids: Indices): Tensor {
  checkArguments("embedding", { ids }, { ids: indicesKind });
  return apply(embeddingPrimitive, [table], { ids })[0];
}

export interface LabelAttributes {
  readonly labels: Indices;
}

function checkLogits(logits: readonly number[], { labels }: LabelAttributes): void {
  const rows = logits.slice(0, -1);
  if (
    logits.length < 1 ||
    rows.length !== labels.shape.length ||
    rows.some((extent, axis) => extent !== labels.shape[axis])
  ) {
    throw new ShapeError({
      where: "crossEntropy",
      argument: "labels",
      wanted: `one label for every row of logits ${formatShape(logits)}`,
      got: formatShape(labels.shape),
    });
  }
  checkIndices("crossEntropy", "labels", labels, logits.at(-1)!);
}

/** Cross entropy backward: dx = d (softmax(x) - onehot(label)). Inputs logits, d (one number a row). */
export const crossEntropyBackwardPrimitive: Differentiable<LabelAttributes> = {
  name: "crossEntropyBackward",
  infer: ([logits]) => [logits],
  vjp({ inputs: [logits, d], attributes }, g) {
    const [perRow] = apply(crossEntropyBackwardPrimitive, [logits, logits.backend.full(1, d.shape)], attributes);
    const [curved] = apply(softmaxBackwardPrimitive, [softmax(logits), g!], null);
    return [multiply(curved, reshape(d, [...d.shape, 1])), sum(multiply(g!, perRow), -1)];
  },
};

/** One loss a row: log Σ_j e^{x_j} - x_label. */
export const crossEntropyPrimitive: Differentiable<LabelAttributes> = {
  name: "crossEntropy",
  infer([logits], attributes) {
    checkLogits(logits, attributes);
    return [logits.slice(0, -1)];
  },
  vjp: ({ inputs, attributes }, dy) => apply(crossEntropyBackwardPrimitive, [inputs[0], dy!], attributes),
};

/** The mean over all rows of log Σ_j e^{x_j} - x_label, in nats: logits [..., classes], labels [...]. */
export function crossEntropy(logits: Tensor, labels: Indices): Tensor {
  checkArguments("crossEntropy", { labels }, { labels: indicesKind });
  return mean(apply(crossEntropyPrimitive, [logits], { labels })[0]);
}

/** The mean of (a - b)² over all elements. */
export function meanSquaredError(a: Tensor, b: Tensor): Tensor {
  return mean(square(subtract(a, b)));
}

import { abs, divide, multiply, subtract } from "../autograd/arithmetic.js";
import { reshape } from "../autograd/broadcast.js";
import { max, mean } from "../autograd/reductions.js";
import { stopGradient } from "../autograd/tape.js";
import { ShapeError } from "../core/errors.js";
import { formatShape, sameShape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { TiledKernel } from "./kernel.js";
import { softmax, type SoftmaxOptions } from "./softmax.js";

/** The metric of a layer: that between it and the one before, and the identity, which is dot-product attention, in the first. */
function betweenLayers(values: Tensor, previous: Tensor | undefined): Tensor {
  const [batch, heads, , dim] = values.shape;
  return previous === undefined ? values.backend.full(1, [batch, heads, dim]) : ellipticalMetric(values, previous);
}

/**
 * Elliptical attention: s = qᵀMk/√d with a diagonal metric M, weights e^s divided by their row sum.
 *
 * Takes `metric` [batch, heads, d], the diagonal; no gradient flows through it. `ellipticalMetric` estimates it between layers,
 * and `encoder` does so by itself.
 * Source: Nielsen, Abdullaev, Teo & Nguyen, Elliptical Attention, NeurIPS 2024 (arXiv 2406.13770).
 */
export function elliptical(options: SoftmaxOptions = {}): TiledKernel {
  return {
    ...softmax(options),
    name: "elliptical",
    inputs: [{ name: "metric", shape: ({ batch, heads, dim }) => [batch, heads, dim], fixed: true, betweenLayers }],
    prepare({ q, k, v, metric }) {
      const [batch, heads, dim] = metric.shape;
      return { q: multiply(q, reshape(stopGradient(metric), [batch, heads, 1, dim])), k, v };
    },
  };
}

/**
 * The metric between two layers: m_c = mean over tokens of |v_c - v'_c|, divided by the largest m of the head.
 *
 * Shapes: values of this layer and of the one before, [batch, heads, m, d], give [batch, heads, d]. The first layer has none: use
 * `softmax` there. No gradient flows. Source: as `elliptical`.
 */
export function ellipticalMetric(values: Tensor, previous: Tensor): Tensor {
  if (values.shape.length !== 4 || !sameShape(values.shape, previous.shape)) {
    throw new ShapeError({
      where: "ellipticalMetric",
      argument: "previous",
      wanted: `the shape of values, [batch, heads, m, d], here ${formatShape(values.shape)}`,
      got: formatShape(previous.shape),
    });
  }
  const change = mean(abs(subtract(stopGradient(values), stopGradient(previous))), 2);
  return divide(change, max(change, -1, { keepAxes: true }));
}

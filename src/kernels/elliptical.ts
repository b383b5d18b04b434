import { abs, divide, multiply, subtract } from "../autograd/arithmetic.js";
import { expand, reshape } from "../autograd/broadcast.js";
import { matmul } from "../autograd/matmul.js";
import { slice } from "../autograd/slices.js";
import { max, mean } from "../autograd/reductions.js";
import { stopGradient } from "../autograd/tape.js";
import { ShapeError } from "../core/errors.js";
import { flag, tensor } from "../core/kinds.js";
import { checkArguments, checkOptions, type Kinds } from "../core/options.js";
import { formatShape, sameShape, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { HeadSizes, TiledKernel } from "./kernel.js";
import { softmax, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/** Options of `ellipticalMetric`. */
export interface CausalMetric {
  /**
   * For a causal mask: every query gets its own metric from the tokens up to it, so that later tokens have no
   * influence. Default false.
   */
  readonly causal?: boolean;
}

const causalMetric: Kinds<CausalMetric> = { causal: flag };

/** Options of `elliptical`. */
export interface EllipticalOptions extends SoftmaxOptions, CausalMetric {}

/**
 * Elliptical attention: s = qᵀMk/√d with a diagonal metric M, weights e^s divided by their row sum.
 *
 * Takes `metric` [batch, heads, d], the diagonal, or with `causal` one for every query, [batch, heads, n, d]; no
 * gradient flows through it. `ellipticalMetric` estimates it between layers, and `encoder` does so by itself, with the
 * identity in the first layer, which is dot-product attention. Source: Nielsen, Abdullaev, Teo & Nguyen, Elliptical
 * Attention, NeurIPS 2024 (arXiv 2406.13770); `causal` is derived here.
 */
export function elliptical(options: EllipticalOptions = {}): TiledKernel {
  const { causal = false, scale } = checkOptions("elliptical", options, { ...softmaxOptions, ...causalMetric });
  const shape = ({ batch, heads, queries, dim }: HeadSizes): Shape => [batch, heads, ...(causal ? [queries] : []), dim];
  return {
    ...softmax({ scale }),
    name: causal ? "elliptical (causal)" : "elliptical",
    inputs: [
      {
        name: "metric",
        shape,
        fixed: true,
        ...(causal
          ? { forQueries: (metric: Tensor, first: number, count: number) => slice(metric, 2, first, count) }
          : {}),
        betweenLayers(values, previous) {
          const [batch, heads, queries, dim] = values.shape;
          return previous === undefined
            ? values.backend.full(1, shape({ batch, heads, queries, keys: queries, dim }))
            : ellipticalMetric(values, previous, { causal });
        },
      },
    ],
    prepare({ q, k, v, metric }) {
      const [batch, heads, , dim] = q.shape;
      return { q: multiply(q, reshape(stopGradient(metric), [batch, heads, -1, dim])), k, v };
    },
  };
}

/** The matrix [n, n] whose row i averages over the tokens up to i. */
function runningMean(n: number): Float64Array {
  return Float64Array.from({ length: n * n }, (_, at) =>
    at % n <= Math.floor(at / n) ? 1 / (Math.floor(at / n) + 1) : 0,
  );
}

/**
 * The metric between two layers: m_c = mean over tokens of |v_c - v'_c|, divided by the largest m of the head; with
 * `causal` over the tokens up to each.
 *
 * Shapes: `values` of this layer and `previous` of the one before, [batch, heads, m, d], give [batch, heads, d], causal
 * [batch, heads, m, d]. The first layer has none: use `softmax` there. No gradient flows. Source: as `elliptical`.
 */
export function ellipticalMetric(values: Tensor, previous: Tensor, options: CausalMetric = {}): Tensor {
  checkArguments("ellipticalMetric", { values, previous }, { values: tensor, previous: tensor });
  const { causal = false } = checkOptions("ellipticalMetric", options, causalMetric);
  if (values.shape.length !== 4 || !sameShape(values.shape, previous.shape)) {
    throw new ShapeError({
      where: "ellipticalMetric",
      argument: "previous",
      wanted: `the shape of values, [batch, heads, m, d], here ${formatShape(values.shape)}`,
      got: formatShape(previous.shape),
    });
  }
  const [batch, heads, tokens] = values.shape;
  const difference = abs(subtract(stopGradient(values), stopGradient(previous)));
  const means = (): Tensor =>
    expand(reshape(values.backend.tensor(runningMean(tokens)), [1, 1, tokens, tokens]), [batch, heads, tokens, tokens]);
  const change = causal ? matmul(means(), difference) : mean(difference, 2);
  return divide(change, max(change, -1, { keepAxes: true }));
}

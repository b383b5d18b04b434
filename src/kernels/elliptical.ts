import { abs, add, divide, multiply, relu, sign, subtract } from "../autograd/arithmetic.js";
import { expand, reshape, sum } from "../autograd/broadcast.js";
import { matmul } from "../autograd/matmul.js";
import { slice } from "../autograd/slices.js";
import { max, mean } from "../autograd/reductions.js";
import { stopGradient } from "../autograd/tape.js";
import { ArgumentError, ShapeError } from "../core/errors.js";
import { flag, oneOf, tensor } from "../core/kinds.js";
import { checkArguments, checkOptions, type Kinds } from "../core/options.js";
import { formatShape, sameShape, type Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { HeadSizes, TiledKernel } from "./kernel.js";
import { softmax, softmaxOptions, type SoftmaxOptions } from "./softmax.js";

/** Options of `ellipticalMetric`. */
export interface MetricOptions {
  /**
   * For a causal mask: every query gets its own metric from the tokens up to it, so that later tokens have no
   * influence. Default false.
   */
  readonly causal?: boolean;
  /**
   * What is taken over the tokens: their mean, or the median, as in the authors' attacks on ImageNet. Of an even number
   * of tokens it is the lower one. A causal metric has the mean alone. Default "mean".
   */
  readonly estimator?: "mean" | "median";
}

const metricKinds: Kinds<MetricOptions> = { causal: flag, estimator: oneOf("mean", "median") };

function checkMetric(where: string, options: MetricOptions): Required<MetricOptions> {
  const { causal = false, estimator = "mean" } = options;
  if (!causal || estimator === "mean") return { causal, estimator };
  throw new ArgumentError({
    where,
    argument: "estimator",
    wanted: '"mean" for a causal metric',
    got: `"${estimator}"`,
    fix: "Leave causal out, or take the mean.",
  });
}

/** Options of `elliptical`. */
export interface EllipticalOptions extends SoftmaxOptions, MetricOptions {}

/**
 * Elliptical attention: s = qᵀMk/√d with a diagonal metric M, weights e^s divided by their row sum.
 *
 * Takes `metric` [batch, heads, d], the diagonal, or with `causal` one for every query, [batch, heads, n, d]; no
 * gradient flows through it. `ellipticalMetric` estimates it between layers, and `encoder` does so by itself, with the
 * identity in the first layer, which is dot-product attention. Source: Nielsen, Abdullaev, Teo & Nguyen, Elliptical
 * Attention, NeurIPS 2024 (arXiv 2406.13770); `causal` is derived here.
 */
export function elliptical(options: EllipticalOptions = {}): TiledKernel {
  const { scale, ...metric } = checkOptions("elliptical", options, { ...softmaxOptions, ...metricKinds });
  const { causal, estimator } = checkMetric("elliptical", metric);
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
            : ellipticalMetric(values, previous, { causal, estimator });
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

/** Halvings of the interval that holds a median: the result is within 2^-32 of the largest number, or 0 below that. */
const HALVINGS = 32;

/** The lower median over the tokens of numbers ≥ 0, [batch, heads, m, d] to [batch, heads, d], by bisection. */
function medianOf(x: Tensor): Tensor {
  const [batch, heads, tokens, dim] = x.shape;
  const most = max(x, 2, { keepAxes: true });
  const positive = (y: Tensor): Tensor => sign(relu(y));
  let low = multiply(most, 0);
  for (let halving = 1; halving <= HALVINGS; halving++) {
    const half = multiply(most, 2 ** -halving);
    const above = sum(positive(subtract(x, add(low, half))), 2, { keepAxes: true });
    low = add(low, multiply(half, positive(subtract(above, Math.floor(tokens / 2)))));
  }
  const upper = add(low, multiply(multiply(most, 2 ** -HALVINGS), positive(low)));
  return reshape(upper, [batch, heads, dim]);
}

/**
 * The metric between two layers: m_c = mean or median over tokens of |v_c - v'_c|, divided by the largest m of the
 * head; with `causal` the mean over the tokens up to each.
 *
 * Shapes: `values` of this layer and `previous` of the one before, [batch, heads, m, d], give [batch, heads, d], causal
 * [batch, heads, m, d]. The first layer has none: use `softmax` there. No gradient flows. Source: as `elliptical`.
 */
export function ellipticalMetric(values: Tensor, previous: Tensor, options: MetricOptions = {}): Tensor {
  checkArguments("ellipticalMetric", { values, previous }, { values: tensor, previous: tensor });
  const { causal, estimator } = checkMetric("ellipticalMetric", checkOptions("ellipticalMetric", options, metricKinds));
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
  const overAll = (): Tensor => (estimator === "median" ? medianOf(difference) : mean(difference, 2));
  const change = causal ? matmul(means(), difference) : overAll();
  return divide(change, max(change, -1, { keepAxes: true }));
}

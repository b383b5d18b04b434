import { checkTensors } from "../core/checks.js";
import { notNegative, tensor } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { sameShape } from "../core/shape.js";
import type { Primitive, Tensor } from "../core/tensor.js";
import { add, multiply, square, subtract } from "./arithmetic.js";
import { reshape, sum, sumTo } from "./broadcast.js";
import { mean } from "./reductions.js";
import { slice } from "./slices.js";
import { apply, isRecording, type Differentiable } from "./tape.js";

/** Softmax backward, over the last axis: dx = y (dy - Σ y dy). Inputs y, dy. */
export const softmaxBackwardPrimitive: Differentiable<null> = {
  name: "softmaxBackward",
  infer: ([y]) => [y],
  vjp({ inputs: [y, dy] }, g) {
    const inner = (a: Tensor, b: Tensor): Tensor => sum(multiply(a, b), -1, { keepAxes: true });
    const byY = subtract(multiply(g!, subtract(dy, inner(y, dy))), multiply(dy, inner(g!, y)));
    return [byY, apply(softmaxBackwardPrimitive, [y, g!], null)[0]];
  },
};

/** Over the last axis. */
export const softmaxPrimitive: Differentiable<null> = {
  name: "softmax",
  infer: ([x]) => [x],
  vjp: ({ outputs }, dy) => apply(softmaxBackwardPrimitive, [outputs[0], dy!], null),
};

/** softmax(x)_i = e^{x_i} / Σ_j e^{x_j} over the last axis. */
export function softmax(x: Tensor): Tensor {
  return apply(softmaxPrimitive, [x], null)[0];
}

/**
 * Layer norm backward, with u = scale dy: dx = r (u - mean(u) - n mean(n u)), and [Σ n dy, Σ dy] over all rows, the
 * cotangents of scale and shift. Inputs n, r, scale, dy.
 */
export const layerNormBackwardPrimitive: Primitive<null> = {
  name: "layerNormBackward",
  infer: ([n, , scale]) => [n, [2, ...scale]],
};

/** One number a row, as a column beside the rows. */
const column = (r: Tensor): Tensor => reshape(r, [...r.shape, 1]);

const average = (x: Tensor): Tensor => mean(x, -1, { keepAxes: true });

/** Outputs n scale + shift, n = (x - mean) r and r = 1/√(variance + epsilon), one r a row. Inputs x, scale, shift. */
export const layerNormPrimitive: Differentiable<{ readonly epsilon: number }> = {
  name: "layerNorm",
  infer: ([x]) => [x, x, x.slice(0, -1)],
  vjp({ inputs: [, scale], outputs: [, n, r] }, dy, dn, dr) {
    if (dy !== undefined && dn === undefined && !isRecording()) {
      const [dx, sums] = apply(layerNormBackwardPrimitive, [n, r, scale, dy], null);
      return [dx, ...[0, 1].map((at) => reshape(slice(sums, 0, at, 1), scale.shape))];
    }
    // For second derivatives, which alone depend on n, with r or without, the same of operations that have derivatives.
    const u = [dy && multiply(dy, scale), dn].filter((part) => part !== undefined).reduce(add);
    const dx = inRows(n, r, u);
    // ∂r/∂x = -r² n / width
    const byR = dr && multiply(n, column(multiply(multiply(dr, square(r)), -1 / scale.size)));
    return [byR ? add(dx, byR) : dx, dy && sumTo(multiply(dy, n), scale.shape), dy && sumTo(dy, scale.shape)];
  },
};

/** r (u - mean(u) - n mean(n u)) */
const inRows = (n: Tensor, r: Tensor, u: Tensor): Tensor =>
  multiply(subtract(subtract(u, average(u)), multiply(n, average(multiply(n, u)))), column(r));

/** What a layer norm adds to the variance by default. */
export const EPSILON = 1e-5;

/** Options of `ops.layerNorm`. */
export interface LayerNormOptions {
  /** Multiplies the normalised rows; shape [width]. */
  readonly scale?: Tensor;
  /** Added after the scale; shape [width]. */
  readonly shift?: Tensor;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Layer norm over the last axis: (x - mean(x)) / √(var(x) + ε) · scale + shift (Ba, Kiros & Hinton, arXiv
 * 1607.06450).
 */
export function layerNorm(x: Tensor, options: LayerNormOptions = {}): Tensor {
  checkTensors("layerNorm", { x });
  const {
    scale,
    shift,
    epsilon = EPSILON,
  } = checkOptions("layerNorm", options, { scale: tensor, shift: tensor, epsilon: notNegative });
  const fused = [scale, shift].every((given) => given === undefined || sameShape(given.shape, x.shape.slice(-1)));
  const own = (given: Tensor | undefined, otherwise: number): Tensor =>
    fused && given !== undefined ? given : x.backend.full(otherwise, x.shape.slice(-1));
  const [y] = apply(layerNormPrimitive, [x, own(scale, 1), own(shift, 0)], { epsilon });
  if (fused) return y;
  const scaled = scale === undefined ? y : multiply(y, scale);
  return shift === undefined ? scaled : add(scaled, shift);
}

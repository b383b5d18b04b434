import { addScaled } from "../autograd/ops.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { apply } from "../autograd/tape.js";
import { alias, callable, notNegative, positive, share } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import type { Tensor } from "../core/tensor.js";
import { makeOptimizer, type Optimizer, type Update } from "./make-optimizer.js";
import { rateKind, type Schedule } from "./schedules.js";

/**
 * p ← p - stepSize · gradient.
 *
 * @example
 * gradientDescent({ stepSize: 0.1 }).step(parameters, gradients);
 */
export function gradientDescent(options: { readonly stepSize: number | Schedule }): Optimizer {
  const { stepSize } = checkOptions("gradientDescent", options, { stepSize: needed(rateKind) });
  return makeOptimizer(0, stepSize, ({ parameter, gradient, rate }) =>
    parameter.assign(addScaled(parameter, gradient, -rate)),
  );
}

/** Options of `sgd`. */
export interface SgdOptions {
  /** A number, or a schedule. */
  readonly learningRate: number | Schedule;
  /** μ, from 0 to below 1. Default 0.9. */
  readonly momentum?: number;
}

/**
 * Stochastic gradient descent with momentum: m ← μ m + gradient, p ← p - learningRate · m.
 *
 * @example
 * const optimizer = sgd({ learningRate: 0.1, momentum: 0.95 });
 */
export function sgd(options: SgdOptions): Optimizer {
  const { learningRate, momentum = 0.9 } = checkOptions("sgd", options, {
    learningRate: needed(rateKind),
    momentum: share,
  });
  return makeOptimizer(1, learningRate, ({ parameter, gradient, memories: [velocity], rate }) => {
    velocity.assign(addScaled(gradient, velocity, momentum));
    parameter.assign(addScaled(parameter, velocity, -rate));
  });
}

/** Options of `adam`. */
export interface AdamOptions {
  /** A number, or a schedule. */
  readonly learningRate: number | Schedule;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

const adamKinds = {
  learningRate: needed(rateKind),
  beta1: alias(share, { betas: "beta1" }),
  beta2: share,
  epsilon: alias(positive, { eps: "epsilon" }),
};

/** The step of Adam for one parameter. */
function adamRule({ beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions): (update: Update) => void {
  return ({ parameter, gradient, memories, step, rate }) => {
    const updated = apply(adamPrimitive, [parameter, gradient, ...memories], {
      learningRate: rate,
      beta1,
      beta2,
      epsilon,
      correction1: 1 - beta1 ** step,
      correction2: 1 - beta2 ** step,
    });
    [parameter, ...memories].forEach((tensor, index) => tensor.assign(updated[index]));
  };
}

/**
 * Adam: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p - rate · m̂ / (√v̂ + ε), m̂ and v̂
 * bias-corrected (Kingma & Ba, arXiv 1412.6980).
 *
 * @example
 * const optimizer = adam({ learningRate: 1e-3 });
 * optimizer.step(parameters, valueAndGrad(loss, parameters).gradients);
 */
export function adam(options: AdamOptions): Optimizer {
  const checked = checkOptions("adam", options, adamKinds);
  return makeOptimizer(2, checked.learningRate, adamRule(checked));
}

/** Options of `adamw`. */
export interface AdamWOptions extends AdamOptions {
  /** λ. Default 0.01. */
  readonly weightDecay?: number;
  /**
   * Which parameters decay, by a name such as "layers.0.norm.scale". Default: those with two axes or more, so neither
   * biases nor norms. A tensor under several names decays if one of them does.
   */
  readonly decays?: (name: string, parameter: Tensor) => boolean;
}

/** Matrices decay; biases, norms and single numbers do not. */
const isMatrix = (_name: string, { shape }: Tensor): boolean => shape.length >= 2;

/**
 * Adam with decoupled weight decay: the step of `adam`, and p ← p - rate · λ p with the p before it (Loshchilov &
 * Hutter, arXiv 1711.05101).
 *
 * @example
 * const optimizer = adamw({ learningRate: 1e-3, weightDecay: 0.1 });
 */
export function adamw(options: AdamWOptions): Optimizer {
  const {
    weightDecay = 0.01,
    decays = isMatrix,
    ...rest
  } = checkOptions("adamw", options, {
    ...adamKinds,
    weightDecay: notNegative,
    decays: callable,
  });
  const step = adamRule(rest);
  const update = (update: Update): void => {
    const { parameter, rate, marked } = update;
    if (marked && weightDecay > 0) parameter.assign(addScaled(parameter, parameter, -rate * weightDecay));
    step(update);
  };
  return makeOptimizer(2, rest.learningRate, update, decays);
}

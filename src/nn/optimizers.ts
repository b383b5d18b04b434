import { addScaled } from "../autograd/ops.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { apply } from "../autograd/tape.js";
import { ShapeError } from "../core/errors.js";
import { finite } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { formatShape, sameShape } from "../core/shape.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";

/** What an optimiser remembers: its number of steps, and the memories of every parameter in the order of the names. */
export interface OptimizerState {
  readonly steps: number;
  readonly memories: readonly (readonly Tensor[])[];
}

/** Changes parameters in place, from gradients in the same tree of names. */
export interface Optimizer {
  step(parameters: ParameterTree, gradients: ParameterTree): void;
  /** The tensors in it stay the optimiser's own, and change with the next step. */
  state(parameters: ParameterTree): OptimizerState;
  /** Goes on from a state of the same optimiser over the same tree; takes the tensors over. */
  restore(parameters: ParameterTree, state: OptimizerState): void;
  /** Frees what the optimiser remembers. */
  dispose(): void;
}

/** Calls `update` for every parameter with its gradient and its `count` memories, which start at zero. */
function optimizer(count: number, update: (parameter: Tensor, gradient: Tensor, memories: readonly Tensor[], step: number) => void): Optimizer {
  const memories = new Map<Tensor, readonly Tensor[]>();
  let steps = 0;
  const memoriesOf = (parameter: Tensor): readonly Tensor[] => {
    const known = memories.get(parameter);
    if (known !== undefined) return known;
    const { backend, shape } = parameter;
    const own = Array.from({ length: count }, () => backend.keep(backend.full(0, shape)));
    memories.set(parameter, own);
    return own;
  };
  const forget = (): void => {
    for (const own of memories.values()) for (const memory of own) memory.dispose();
    memories.clear();
  };
  return {
    step(parameters, gradients) {
      const slopes = tensorsIn(gradients);
      steps++;
      for (const [index, parameter] of tensorsIn(parameters).entries()) {
        const slope = slopes[index];
        if (slope === undefined || !sameShape(slope.shape, parameter.shape)) {
          throw new ShapeError({
            where: "optimizer.step",
            argument: "gradients",
            wanted: `the tree of the parameters, with ${formatShape(parameter.shape)} at place ${index}`,
            got: slope === undefined ? "nothing there" : formatShape(slope.shape),
            fix: "Pass what valueAndGrad returned for these parameters.",
          });
        }
        update(parameter, slope, memoriesOf(parameter), steps);
      }
    },
    state: (parameters) => ({ steps, memories: tensorsIn(parameters).map(memoriesOf) }),
    restore(parameters, state) {
      const tensors = tensorsIn(parameters);
      const fits = (own: readonly Tensor[], at: number): boolean => own.length === count && own.every(({ shape }) => sameShape(shape, tensors[at].shape));
      if (state.memories.length !== tensors.length || !state.memories.every(fits)) {
        throw new ShapeError({
          where: "optimizer.restore",
          argument: "state",
          wanted: `${count} memories for each of ${tensors.length} parameters, in their shapes`,
          got: `memories of ${state.memories.length} parameters, ${state.memories.flat().length} in all`,
          fix: "Pass what state() of the same kind of optimiser gave for these parameters.",
        });
      }
      forget();
      steps = state.steps;
      state.memories.forEach((own, at) => memories.set(tensors[at], own.map((memory) => memory.backend.keep(memory))));
    },
    dispose: forget,
  };
}

/** p ← p - stepSize · gradient. */
export function gradientDescent(options: { readonly stepSize: number }): Optimizer {
  const { stepSize } = checkOptions("gradientDescent", options, { stepSize: needed(finite) });
  return optimizer(0, (parameter, gradient) => parameter.assign(addScaled(parameter, gradient, -stepSize)));
}

export interface SgdOptions {
  readonly learningRate: number;
  /** μ, from 0 to 1. Default 0.9. */
  readonly momentum?: number;
}

/** Stochastic gradient descent with momentum: m ← μ m + gradient, p ← p - learningRate · m. */
export function sgd(options: SgdOptions): Optimizer {
  const { learningRate, momentum = 0.9 } = checkOptions("sgd", options, { learningRate: needed(finite), momentum: finite });
  return optimizer(1, (parameter, gradient, [velocity]) => {
    velocity.assign(addScaled(gradient, velocity, momentum));
    parameter.assign(addScaled(parameter, velocity, -learningRate));
  });
}

export interface AdamOptions {
  readonly learningRate: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/** Adam: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p - rate · m̂ / (√v̂ + ε), m̂ and v̂ bias-corrected (Kingma & Ba, arXiv 1412.6980). */
export function adam(options: AdamOptions): Optimizer {
  const kinds = { learningRate: needed(finite), beta1: finite, beta2: finite, epsilon: finite };
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = checkOptions("adam", options, kinds);
  return optimizer(2, (parameter, gradient, memories, step) => {
    const corrections = { correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
    const updated = apply(adamPrimitive, [parameter, gradient, ...memories], { learningRate, beta1, beta2, epsilon, ...corrections });
    [parameter, ...memories].forEach((tensor, index) => tensor.assign(updated[index]));
  });
}

import { add, addScaled } from "../autograd/ops.js";
import { adamPrimitive } from "../autograd/optimizers.js";
import { apply, isRecording } from "../autograd/tape.js";
import { commonBackend } from "../core/checks.js";
import { ArgumentError, ShapeError, UnsupportedError } from "../core/errors.js";
import { alias, positive, share } from "../core/kinds.js";
import { checkOptions, needed } from "../core/options.js";
import { formatShape, sameShape } from "../core/shape.js";
import { isTensor } from "../core/is-tensor.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";

const rate = alias(positive, { lr: "learningRate" });

/**
 * The state of an optimiser: its number of steps, and the memories (moments) of every parameter in tree order. A tensor
 * under several names counts once.
 */
export interface OptimizerState {
  readonly steps: number;
  readonly memories: readonly (readonly Tensor[])[];
}

/** Changes parameters in place, from gradients in the same tree of names. */
export interface Optimizer {
  /**
   * One step. Each parameter uses the gradient under its name; a tensor under several names takes one step with the sum
   * of their gradients.
   *
   * Throws a `ShapeError`, `ArgumentError` or `UnsupportedError` for gradients that do not match, and changes nothing
   * in that case.
   */
  step(parameters: ParameterTree, gradients: ParameterTree): void;
  /** The current state. The optimiser owns its tensors, and the next step changes them. */
  state(parameters: ParameterTree): OptimizerState;
  /** Continues from a state of the same kind of optimiser over the same tree, and takes ownership of its tensors. */
  restore(parameters: ParameterTree, state: OptimizerState): void;
  /** Frees the optimiser's state. */
  dispose(): void;
}

/** The tensors of a tree by their paths. */
function placesIn(tree: ParameterTree): Map<string, { readonly name: string; readonly tensor: Tensor }> {
  const places = new Map<string, { name: string; tensor: Tensor }>();
  mapTree(tree, isTensor, (tensor, path) => places.set(JSON.stringify(path), { name: path.join("."), tensor }));
  return places;
}

/** Every parameter once, with the gradients under its names. Throws for gradients that do not match. */
function slopesIn(parameters: ParameterTree, gradients: ParameterTree): Map<Tensor, Tensor[]> {
  const where = "optimizer.step";
  const fix = "Pass what valueAndGrad returned for these parameters.";
  const [own, given] = [placesIn(parameters), placesIn(gradients)];
  if (own.size === 0)
    throw new ArgumentError({
      where,
      argument: "parameters",
      wanted: "at least one tensor in records and arrays",
      got: "none",
    });
  const stranger = [...given].find(([path]) => !own.has(path));
  if (stranger !== undefined) {
    throw new ArgumentError({
      where,
      argument: "gradients",
      wanted: "the tree of the parameters",
      got: `one for "${stranger[1].name}", which is no parameter`,
      fix,
    });
  }
  const slopes = new Map<Tensor, Tensor[]>();
  for (const [path, { name, tensor }] of own) {
    const slope = given.get(path)?.tensor;
    if (slope === undefined || !sameShape(slope.shape, tensor.shape)) {
      throw new ShapeError({
        where,
        argument: "gradients",
        wanted: `the tree of the parameters, with ${formatShape(tensor.shape)} for "${name}"`,
        got: slope === undefined ? "nothing there" : formatShape(slope.shape),
        fix,
      });
    }
    const backend = commonBackend(where, [tensor, slope]);
    for (const operand of [tensor, slope]) {
      operand.memory(where);
      if (operand.dtype === backend.dtypes[0]) continue;
      throw new UnsupportedError({
        where,
        argument: name,
        wanted: `a parameter and its gradient in ${backend.dtypes[0]}`,
        got: operand.dtype,
      });
    }
    slopes.set(tensor, [...(slopes.get(tensor) ?? []), slope]);
  }
  return slopes;
}

/** Calls `update` for every parameter with its gradient and its `count` memories, which start at zero. */
function optimizer(
  count: number,
  update: (parameter: Tensor, gradient: Tensor, memories: readonly Tensor[], step: number) => void,
): Optimizer {
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
  const distinct = (parameters: ParameterTree): Tensor[] => [...new Set(tensorsIn(parameters))];
  return {
    step(parameters, gradients) {
      if (isRecording()) {
        throw new UnsupportedError({
          where: "optimizer.step",
          wanted: "a step outside valueAndGrad",
          got: "one inside its loss, which would change the parameters during differentiation",
          fix: "Step with what valueAndGrad returned.",
        });
      }
      const slopes = slopesIn(parameters, gradients);
      for (const parameter of slopes.keys())
        for (const memory of memoriesOf(parameter)) memory.memory("optimizer.step");
      steps++;
      for (const [parameter, [first, ...others]] of slopes) {
        const slope = parameter.backend.scope(() => others.reduce((sum, other) => add(sum, other), first));
        update(parameter, slope, memoriesOf(parameter), steps);
        if (slope !== first) slope.dispose();
      }
    },
    state: (parameters) => ({ steps, memories: distinct(parameters).map(memoriesOf) }),
    restore(parameters, state) {
      const tensors = distinct(parameters);
      const isLike = (memory: Tensor, { backend, shape }: Tensor): boolean =>
        memory.backend === backend && memory.dtype === backend.dtypes[0] && sameShape(memory.shape, shape);
      const fits = (own: readonly Tensor[], at: number): boolean =>
        own.length === count && own.every((memory) => isLike(memory, tensors[at]));
      if (state.memories.length !== tensors.length || !state.memories.every(fits)) {
        throw new ShapeError({
          where: "optimizer.restore",
          argument: "state",
          wanted: `${count} memories for each of ${tensors.length} parameters, in their shapes and on their backend`,
          got: `memories of ${state.memories.length} parameters, ${state.memories.flat().length} in all`,
          fix: "Pass what state() of the same kind of optimiser gave for these parameters.",
        });
      }
      if (!Number.isSafeInteger(state.steps) || state.steps < 0) {
        throw new ArgumentError({
          where: "optimizer.restore",
          argument: "state.steps",
          wanted: "a whole number of at least 0",
          got: String(state.steps),
        });
      }
      const taken = new Set(state.memories.flat());
      for (const memory of [...memories.values()].flat()) if (!taken.has(memory)) memory.dispose();
      memories.clear();
      steps = state.steps;
      state.memories.forEach((own, at) =>
        memories.set(
          tensors[at],
          own.map((memory) => memory.backend.keep(memory)),
        ),
      );
    },
    dispose: forget,
  };
}

/** p ← p - stepSize · gradient. */
export function gradientDescent(options: { readonly stepSize: number }): Optimizer {
  const { stepSize } = checkOptions("gradientDescent", options, { stepSize: needed(positive) });
  return optimizer(0, (parameter, gradient) => parameter.assign(addScaled(parameter, gradient, -stepSize)));
}

/** Options of `sgd`. */
export interface SgdOptions {
  readonly learningRate: number;
  /** μ, from 0 to below 1. Default 0.9. */
  readonly momentum?: number;
}

/** Stochastic gradient descent with momentum: m ← μ m + gradient, p ← p - learningRate · m. */
export function sgd(options: SgdOptions): Optimizer {
  const { learningRate, momentum = 0.9 } = checkOptions("sgd", options, {
    learningRate: needed(rate),
    momentum: share,
  });
  return optimizer(1, (parameter, gradient, [velocity]) => {
    velocity.assign(addScaled(gradient, velocity, momentum));
    parameter.assign(addScaled(parameter, velocity, -learningRate));
  });
}

/** Options of `adam`. */
export interface AdamOptions {
  readonly learningRate: number;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.999. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam: m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², p ← p - rate · m̂ / (√v̂ + ε), m̂ and v̂ bias-corrected (Kingma & Ba,
 * arXiv 1412.6980).
 */
export function adam(options: AdamOptions): Optimizer {
  const kinds = {
    learningRate: needed(rate),
    beta1: alias(share, { betas: "beta1" }),
    beta2: share,
    epsilon: alias(positive, { eps: "epsilon" }),
  };
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = checkOptions("adam", options, kinds);
  return optimizer(2, (parameter, gradient, memories, step) => {
    const corrections = { correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step };
    const updated = apply(adamPrimitive, [parameter, gradient, ...memories], {
      learningRate,
      beta1,
      beta2,
      epsilon,
      ...corrections,
    });
    [parameter, ...memories].forEach((tensor, index) => tensor.assign(updated[index]));
  });
}

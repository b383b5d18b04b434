import { add } from "../autograd/ops.js";
import { isRecording } from "../autograd/tape.js";
import { commonBackend } from "../core/checks.js";
import { ArgumentError, ShapeError, UnsupportedError } from "../core/errors.js";
import { describe } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { formatShape, sameShape } from "../core/shape.js";
import { isTensor } from "../core/is-tensor.js";
import { tensorsIn, type ParameterTree, type Tensor } from "../core/tensor.js";
import { mapTree } from "../core/tree.js";
import { rateKind, type Schedule } from "./schedules.js";

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
  /**
   * The learning rate, or its schedule, of the steps to come; may be set. A schedule goes on from the number of steps
   * so far, also after `restore`.
   */
  learningRate: number | Schedule;
  /** Frees the optimiser's state. */
  dispose(): void;
}

/** The tensors of a tree by their paths. */
function placesIn(tree: ParameterTree): Map<string, { readonly name: string; readonly tensor: Tensor }> {
  const places = new Map<string, { name: string; tensor: Tensor }>();
  mapTree(tree, isTensor, (tensor, path) => places.set(JSON.stringify(path), { name: path.join("."), tensor }));
  return places;
}

/** What the optimiser knows of a parameter: the gradients under its names. */
interface Slopes {
  readonly names: readonly string[];
  readonly slopes: readonly Tensor[];
}

/** Every parameter once, with the gradients under its names. Throws for gradients that do not match. */
function slopesIn(parameters: ParameterTree, gradients: ParameterTree): Map<Tensor, Slopes> {
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
  const found = new Map<Tensor, Slopes>();
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
    const { names, slopes } = found.get(tensor) ?? { names: [], slopes: [] };
    found.set(tensor, { names: [...names, name], slopes: [...slopes, slope] });
  }
  return found;
}

/** What a rule gets for one parameter. */
export interface Update {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly memories: readonly Tensor[];
  /** Steps so far, this one included. */
  readonly step: number;
  readonly rate: number;
  /** What `isMarked` says of one of its names. */
  readonly marked: boolean;
}

/** Whether `gpu.warmUp` only collects the operations on a parameter, so that a step must leave no trace. */
const isRehearsed = ({ backend }: Tensor): boolean => backend.rehearsing;

/** The rate of a step, counted from 0. */
function rateAt(learningRate: number | Schedule, step: number): number {
  const rate: unknown = typeof learningRate === "function" ? learningRate(step) : learningRate;
  if (typeof rate === "number" && Number.isFinite(rate) && rate >= 0) return rate;
  throw new ArgumentError({
    where: "optimizer.step",
    argument: "learningRate",
    wanted: "a schedule that gives finite numbers of at least 0",
    got: `${describe(rate)} at step ${step}`,
  });
}

/**
 * Calls `update` for every parameter with its gradient and its `count` memories, which start at zero. `isMarked` is
 * asked for the names of a parameter, such as "layers.0.norm.scale", before anything changes.
 */
export function makeOptimizer(
  count: number,
  initialRate: number | Schedule,
  update: (update: Update) => void,
  isMarked: (name: string, parameter: Tensor) => boolean = () => false,
): Optimizer {
  const memories = new Map<Tensor, readonly Tensor[]>();
  let steps = 0;
  let learningRate = initialRate;
  const memoriesOf = (parameter: Tensor): readonly Tensor[] => {
    const known = memories.get(parameter);
    if (known !== undefined) return known;
    const { backend, shape } = parameter;
    const own = Array.from({ length: count }, () => backend.full(0, shape));
    if (isRehearsed(parameter)) return own;
    for (const memory of own) backend.keep(memory);
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
      const found = slopesIn(parameters, gradients);
      const isRehearsal = [...found.keys()].some(isRehearsed);
      const rate = rateAt(learningRate, steps);
      const marked = new Set(
        [...found].flatMap(([tensor, { names }]) => (names.some((name) => isMarked(name, tensor)) ? [tensor] : [])),
      );
      for (const parameter of found.keys()) for (const memory of memoriesOf(parameter)) memory.memory("optimizer.step");
      const step = steps + 1;
      if (!isRehearsal) steps = step;
      for (const [parameter, { slopes }] of found) {
        if (isRehearsal && !isRehearsed(parameter)) continue;
        const [first, ...others] = slopes;
        const gradient = parameter.backend.scope(() => others.reduce((sum, other) => add(sum, other), first));
        update({
          parameter,
          gradient,
          memories: memoriesOf(parameter),
          step,
          rate,
          marked: marked.has(parameter),
        });
        if (gradient !== first) gradient.dispose();
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
    get learningRate() {
      return learningRate;
    },
    set learningRate(wanted) {
      checkArguments("optimizer", { learningRate: wanted }, { learningRate: rateKind });
      learningRate = wanted;
    },
    dispose: forget,
  };
}

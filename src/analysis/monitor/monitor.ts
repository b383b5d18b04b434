import { valueAndGrad } from "../../autograd/grad.js";
import { ArgumentError } from "../../core/errors.js";
import { anyNumber, callable, having, listOf, oneOf, record, whole, type Kind } from "../../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../../core/options.js";
import { disposeTree, tensorsIn, type ParameterTree, type Tensor } from "../../core/tensor.js";
import { norm } from "../../numerics/vectors.js";
import { cloneTree } from "../../nn/trees.js";
import { treeKind } from "../vectors.js";
import { warningNames, type WarningName } from "./findings.js";
import { gradientsOf, layerName, measureLayer } from "./layers.js";
import { lookAt, reader, type ObservableModel } from "./look.js";
import type { TrainingRecord } from "./records.js";
import { recordsKind, trainingWarnings, type TrainingWarning } from "./warnings.js";
import { readWeights, weightRecord, wholeUpdate } from "./weights.js";

/** Options of `observeTraining`. */
export interface ObserveOptions<Parameters extends ParameterTree, Input> {
  /**
   * The input on which layers are measured: a few sequences that stay the same, for example four. Input dependence
   * needs two or more; kernel matrices are decomposed for the first.
   */
  readonly probe: Input;
  /** Further options of `model.apply`, such as `{ mask }`. */
  readonly call?: object;
  /** Steps between two records: those that are divisible by it, and the first that is seen. Default 50. */
  readonly every?: number;
  /** The loss whose gradients are measured at steps that are given none, for example on the probe. */
  readonly loss?: (parameters: Parameters) => Tensor;
  /** Warnings that are not given, such as "frozen" where some weights are frozen on purpose. */
  readonly ignore?: readonly WarningName[];
  /** Records of the training so far, to go on from. */
  readonly records?: readonly TrainingRecord[];
}

/** One step of a training, for `monitor.step`. */
export interface ObservedStep<Parameters extends ParameterTree> {
  /** Steps so far. 0, before the first, gives a record of the start. */
  readonly step: number;
  /** After the step. */
  readonly parameters: Parameters;
  /** The gradients that the step used. The whole tree, or the trained tensors by their names. */
  readonly gradients?: ParameterTree;
  /** The loss before the step. NaN and infinity make a record at once. */
  readonly loss?: number;
  /** The parameters before the step. Default: those of the call for the step before. */
  readonly previous?: Parameters;
}

/** What watches a training, as `observeTraining` returns it. */
export interface TrainingMonitor<Parameters extends ParameterTree> {
  /** Whether `step` will make a record. */
  isDue(step: number): boolean;
  /**
   * Takes a step of the training, and every few steps makes a record. It reads what it needs before it returns its
   * promise, so that gradients may be freed, and parameters changed, once it is called and need not be awaited.
   */
  step(observed: ObservedStep<Parameters>): Promise<TrainingRecord | undefined>;
  readonly records: readonly TrainingRecord[];
  /** The faults so far, in the order in which they began. */
  readonly warnings: readonly TrainingWarning[];
  /** The warnings as lines of text. */
  lines(): string[];
  /** Frees the copy of the parameters that the monitor keeps before some steps. */
  dispose(): void;
  [Symbol.dispose](): void;
}

const probeKind: Kind<unknown> = {
  wanted: "an input of model.apply",
  holds: (value): value is unknown => typeof value === "object" && value !== null,
};
const modelKind = having<ObservableModel<ParameterTree, unknown>>("a model, as encoder() or multiHead() makes it", [
  "apply",
]);

/**
 * Watches a training of an `encoder`, a `decoder`, a `multiHead` layer, or a model that is built of them: every few
 * steps it records what each layer and each head does, and warns of faults that keep it from learning.
 *
 * Per head: rank and condition of the kernel matrix, entropy, underflow, input dependence, extreme singular values of
 * W^Q, W^K and W^V, gradients. Per layer: collapse of tokens, extreme singular values of the output of attention with
 * and without the residual. Per tensor: norm, gradient, update. The monitor runs the model on a probe of its own, so it
 * changes nothing in the training. `docs/monitor.md` has every formula, its source, and what to do on each warning.
 *
 * @throws ArgumentError for an unknown option, or a model whose `apply` shows no layer.
 * @example
 * const monitor = observeTraining(model, { every: 50, probe });
 * for (let step = 1; step <= steps; step++) {
 *   const { value, gradients } = valueAndGrad(loss, parameters);
 *   optimizer.step(parameters, gradients);
 *   await monitor.step({ step, parameters, gradients });
 * }
 * console.log(monitor.lines().join("\n"));
 */
export function observeTraining<Parameters extends ParameterTree, Input>(
  model: ObservableModel<Parameters, Input>,
  options: ObserveOptions<Parameters, Input>,
): TrainingMonitor<Parameters> {
  const where = "observeTraining";
  checkArguments(where, { model }, { model: modelKind });
  const optionKinds: Kinds<ObserveOptions<Parameters, Input>> = {
    probe: needed(probeKind as Kind<Input>),
    call: record,
    every: whole(1),
    loss: callable,
    ignore: listOf(oneOf(...warningNames)),
    records: recordsKind,
  };
  const {
    probe,
    call = {},
    every = 50,
    loss: probeLoss,
    ignore = [],
    records: earlier = [],
  } = checkOptions(where, options, optionKinds);
  const stepKinds: Kinds<ObservedStep<Parameters>> = {
    step: needed(whole(0)),
    parameters: needed(treeKind as Kind<Parameters>),
    gradients: treeKind,
    loss: anyNumber,
    previous: treeKind as Kind<Parameters>,
  };
  const records = [...earlier];
  let kept: { readonly step: number; readonly parameters: Parameters } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isBroken = false;
  let hasStarted = records.length > 0;
  const isDue = (step: number): boolean => !hasStarted || step % every === 0;
  const forget = (): void => {
    if (kept !== undefined) disposeTree(kept.parameters);
    kept = undefined;
  };

  /** A record; every read is queued when the call returns. */
  async function look(observed: ObservedStep<Parameters>): Promise<TrainingRecord> {
    const { step, parameters } = observed;
    const { backend } = tensorsIn(parameters)[0];
    const extra =
      observed.gradients === undefined && probeLoss !== undefined
        ? backend.scope(() => valueAndGrad(probeLoss, parameters))
        : undefined;
    const gradients = observed.gradients ?? extra?.gradients;
    const previous = observed.previous ?? (kept?.step === step - 1 ? kept.parameters : undefined);
    const read = reader();
    const reads = Promise.all([
      lookAt(model, parameters, probe, call, read),
      readWeights(parameters, gradients, previous, read),
      extra === undefined ? undefined : read(extra.value),
    ]).finally(() => disposeTree(extra));
    const [layers, weights, ownLoss] = await reads;
    if (layers.length === 0) {
      throw new ArgumentError({
        where,
        argument: "model",
        wanted: "one whose apply calls observe for every layer with attention",
        got: "one that calls it for none",
        fix: "Hand the option observe on to the layers: layer.apply(parameters, x, { observe }).",
      });
    }
    const { loss = ownLoss?.[0] } = observed;
    const slopes = weights.flatMap(({ gradient }) => (gradient === undefined ? [] : [norm(gradient)]));
    return {
      step,
      ...(loss === undefined ? {} : { loss }),
      ...(slopes.length === 0 ? {} : { gradient: Math.hypot(...slopes) }),
      ...wholeUpdate(weights),
      layers: layers.map((layer) =>
        measureLayer(layer, layerName(layer, parameters), (head) => gradientsOf(layer, head, parameters, weights)),
      ),
      weights: weights.map(weightRecord),
    };
  }

  return {
    isDue,
    async step(observed) {
      const { step, parameters, loss } = checkOptions("monitor.step", observed, stepKinds, "observed");
      const breaks = loss !== undefined && !Number.isFinite(loss);
      const isWanted = isDue(step) || (breaks && !isBroken);
      isBroken = breaks;
      hasStarted = true;
      const found = isWanted ? look(observed) : undefined;
      forget();
      if (isDue(step + 1)) kept = { step, parameters: cloneTree(parameters) };
      if (found === undefined) return undefined;
      const before = last;
      const pushed = before.then(() => found).then((made) => (records.push(made), made));
      last = pushed.catch(() => undefined); // its own caller gets the error
      return pushed;
    },
    records,
    get warnings() {
      return trainingWarnings(records).filter(({ name }) => !ignore.includes(name));
    },
    lines() {
      return this.warnings.map(({ text, advice }) => `${text} ${advice}`);
    },
    dispose: forget,
    [Symbol.dispose]: forget,
  };
}

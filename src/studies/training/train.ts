import { observeTraining } from "../../analysis/monitor/monitor.js";
import type { ObservableModel } from "../../analysis/monitor/look.js";
import type { TrainingRecord } from "../../analysis/monitor/records.js";
import { valueAndGrad } from "../../autograd/grad.js";
import type { Random } from "../../core/random.js";
import { disposeTree, type ParameterTree, type Tensor } from "../../core/tensor.js";
import type { OptimizerState } from "../../nn/make-optimizer.js";
import { adam, sgd } from "../../nn/optimizers.js";
import type { Schedule } from "../../nn/schedules.js";
import { cloneTree } from "../../nn/trees.js";
import { isFiniteTree, restoreTree, snapshotsOf, tensorsOf } from "../runner/snapshot.js";
import type { Work } from "../runner/study.js";

const optimizers = { adam, sgd } as const;

export type OptimizerName = keyof typeof optimizers;

/** Size of an encoder, and options of its training. */
export interface EncoderSettings {
  readonly width: number;
  readonly hidden: number;
  readonly heads: number;
  readonly layers: number;
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
}

/** What the monitor of a training looks at. */
export interface Watch<Parameters extends ParameterTree, Input> {
  /** Steps between two looks; 0 for none. */
  readonly every: number;
  readonly model: ObservableModel<Parameters, Input>;
  /** Makes the sequences on which layers are measured. */
  readonly probe: () => Input;
  /** Further options of the model's `apply`. */
  readonly call?: object;
}

/** A training in batches and epochs. */
export interface TrainingPlan<Parameters extends ParameterTree, Epoch, Input = unknown> {
  /** Label of the progress display. */
  readonly label: string;
  /** Changed in place. */
  readonly parameters: Parameters;
  readonly examples: number;
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number | Schedule;
  /** Default Adam; `sgd` has momentum 0.9. */
  readonly optimizer?: OptimizerName;
  /** Shuffles the examples before every epoch; an incomplete batch waits for the next shuffle. */
  readonly order: Random;
  /** Default: no monitor. It changes nothing in the training. */
  readonly watch?: Watch<Parameters, Input>;
  /** Loss of a batch; epochs count from 0. */
  loss(parameters: Parameters, rows: readonly number[], epoch: number): Tensor;
  /**
   * Measures after the last batch of an epoch, off the clock; `before` is the training before the epoch's measurement,
   * `losses` are the epoch's losses.
   */
  afterEpoch(before: Training<Epoch>, losses: readonly number[]): Promise<Epoch>;
}

/** Measurements of a training so far. */
export interface TrainingSoFar<Epoch> {
  readonly epochs: readonly Epoch[];
  /** Loss of every batch before its step. */
  readonly losses: readonly number[];
  /** What the monitor saw. */
  readonly watched: readonly TrainingRecord[];
}

export interface Training<Epoch> extends TrainingSoFar<Epoch> {
  /** Time of the steps, including the time before interruptions, without the measurements after epochs. */
  readonly seconds: number;
}

/** Everything that a training needs to continue; the number of losses gives its position in the epoch. */
export interface TrainingState<Epoch> extends Training<Epoch> {
  /** State of the order's random stream before the shuffle of the current epoch. */
  readonly order: readonly number[];
  /** The tree of the parameters, with snapshots for tensors. */
  readonly parameters: unknown;
  /** An `OptimizerState`, with snapshots for tensors. */
  readonly optimizer: unknown;
}

/** Sequences that a monitor looks at: enough for the variance of attention over inputs. */
const PROBED = 4;

/** The first rows of `count`, for a probe. */
export const probeRows = (count: number): number[] => Array.from({ length: Math.min(PROBED, count) }, (_, row) => row);

/** Reads the first number of a tensor and disposes the tensor. */
export async function first(tensor: Tensor): Promise<number> {
  const value = (await tensor.read())[0];
  tensor.dispose();
  return value;
}

/**
 * Trains, and stores after every epoch and whenever a store is due. A resumed training takes the same steps as an
 * uninterrupted one.
 */
export async function train<Parameters extends ParameterTree, Epoch, Input>(
  plan: TrainingPlan<Parameters, Epoch, Input>,
  work: Work<TrainingState<Epoch>>,
): Promise<Training<Epoch>> {
  const { label, parameters, examples, epochs: wanted, learningRate, optimizer: rule = "adam", order } = plan;
  const { backend } = work;
  const size = Math.min(plan.batch, examples);
  const perEpoch = Math.floor(examples / size);
  const optimizer = optimizers[rule]({ learningRate });
  const epochs: Epoch[] = [];
  const losses: number[] = [];
  const { state } = work;
  let start = performance.now() - 1000 * (state === undefined ? 0 : state.seconds);
  const seconds = (): number => (performance.now() - start) / 1000;
  if (state !== undefined) {
    order.restore(state.order);
    epochs.push(...state.epochs);
    losses.push(...state.losses);
    restoreTree(parameters, state.parameters);
    optimizer.restore(parameters, tensorsOf(state.optimizer, backend) as OptimizerState);
  }
  const probe = plan.watch === undefined || plan.watch.every === 0 ? undefined : plan.watch.probe();
  const monitor =
    plan.watch === undefined || probe === undefined
      ? undefined
      : observeTraining(plan.watch.model, {
          probe,
          every: plan.watch.every,
          call: plan.watch.call,
          records: state?.watched ?? [], // states of earlier versions have none
        });
  const soFar = (): TrainingSoFar<Epoch> => ({
    epochs: [...epochs],
    losses: [...losses],
    watched: [...(monitor?.records ?? [])],
  });
  const store = async (stream: readonly number[]): Promise<void> => {
    const tensors = {
      parameters: await snapshotsOf(parameters),
      optimizer: await snapshotsOf(optimizer.state(parameters)),
    };
    // backends accept no diverged numbers: a resumed training starts from the last finite ones and diverges again
    if (isFiniteTree(tensors)) await work.store({ ...soFar(), seconds: seconds(), order: stream, ...tensors });
  };
  try {
    while (epochs.length < wanted) {
      const stream = order.state();
      const rows = order.shuffle(Array.from({ length: examples }, (_, row) => row));
      const begin = epochs.length * perEpoch;
      let pending: Promise<number> | undefined; // one step in flight while the host prepares the next
      const settle = async (): Promise<void> => {
        if (pending === undefined) return;
        losses.push(await pending);
        pending = undefined;
        work.report({
          kind: "progress",
          label,
          done: losses.length,
          total: wanted * perEpoch,
          note: `epoch ${epochs.length + 1}/${wanted}, loss ${losses[losses.length - 1].toFixed(3)}`,
        });
      };
      for (let index = losses.length - begin; index < perEpoch; index++) {
        const part = rows.slice(index * size, (index + 1) * size);
        const step = begin + index + 1;
        const previous = monitor?.isDue(step) ? cloneTree(parameters) : undefined;
        const { value, gradients } = backend.scope(() => {
          const result = valueAndGrad((weights: Parameters) => plan.loss(weights, part, epochs.length), parameters);
          optimizer.step(parameters, result.gradients);
          return { value: result.value, gradients: previous && result.gradients };
        });
        await settle();
        pending = first(value);
        pending.catch(() => undefined); // `settle` rethrows it, unless the training ends first
        if (previous !== undefined) {
          await settle();
          await monitor
            ?.step({ step, parameters, gradients, previous, loss: losses[losses.length - 1] })
            .finally(() => disposeTree([previous, gradients]));
        }
        const storeHere = async (): Promise<void> => {
          await settle();
          await store(stream);
        };
        await work.checkpoint(storeHere);
        if (work.isDue()) await storeHere();
      }
      await settle();
      const trained = seconds();
      epochs.push(await plan.afterEpoch({ ...soFar(), seconds: trained }, losses.slice(begin)));
      start = performance.now() - 1000 * trained;
      await store(order.state());
    }
    return { ...soFar(), seconds: seconds() };
  } finally {
    optimizer.dispose();
    monitor?.dispose();
    disposeTree(probe);
  }
}

import { readVector } from "../../analysis/vectors.js";
import { random } from "../../core/random.js";
import { disposeTree, type Tensor } from "../../core/tensor.js";
import { encoder, type Encoder, type EncoderParameters } from "../../nn/encoder.js";
import type { RatedResult } from "../comparison/rates.js";
import { patches } from "../corpus/patches.js";
import { plainKernel } from "../kernels.js";
import type { Snapshot } from "../runner/snapshot.js";
import type { Work } from "../runner/study.js";
import { classifierLoss, trainClassifier, type EpochResult, type Examples } from "../training/classifier.js";
import type { TrainingSoFar, TrainingState } from "../training/train.js";
import { measureLandscape, type Landscape } from "./landscapes.js";
import type { PathfinderOptions } from "./options.js";
import { drawPictures, type Pictures } from "./pictures.js";
import { positionsAccuracy } from "./positions.js";

/** Random streams per seed: pictures to train on, pictures to test on, weights, order of the pictures. */
const STREAMS = 4;

export interface PictureSplit {
  readonly train: Pictures;
  readonly test: Pictures;
}

/** The pictures of a seed, the same for every kernel. */
export function splitPictures({ picture, train, test }: PathfinderOptions, seed: number): PictureSplit {
  return { train: drawPictures(picture, train, STREAMS * seed), test: drawPictures(picture, test, STREAMS * seed + 1) };
}

/** Approximate number of stored points of the training path. */
const PATH_POINTS = 24;

/** Stored state of a run: its training, and the path of its weights. */
export interface RunState {
  readonly training: TrainingState<EpochResult>;
  readonly path: readonly Snapshot[];
}

/** A run, the baseline by the dots' positions on its pictures, and the landscape at its end if configured. */
export interface MeasuredRun extends RatedResult {
  readonly positionsAccuracy: number;
  readonly landscape?: Landscape;
}

/** Options of a training, whatever it is compared with. */
export type RunOptions = Omit<
  PathfinderOptions,
  "kernels" | "seeds" | "rates" | "trials" | "firstKernel" | "firstEpochs"
>;

/** What is trained. */
export interface RunPlan {
  readonly kernel: string;
  readonly learningRate: number;
  readonly seed: number;
  /** Whether it only tries the rate. */
  readonly isTrial: boolean;
  /** The first of two stages; its last weights are where `kernel` goes on. */
  readonly first?: { readonly kernel: string; readonly epochs: number; readonly learningRate: number };
  /** Whether the landscape has planes. */
  readonly drawn: boolean;
}

/** The encoder with a kernel. */
function encoderOf({ picture, patch, width, hidden, heads, layers }: RunOptions, kernel: string): Encoder {
  const [tokens, vocabulary] = [(picture.size / patch) ** 2, patch ** 2];
  return encoder({ kernel: plainKernel(kernel), vocabulary, classes: 2, tokens, width, hidden, heads, layers });
}

/** Trains one encoder, or continues a stored training. */
export async function trainRun(
  options: RunOptions,
  { kernel, learningRate, seed, isTrial, first, drawn }: RunPlan,
  split: PictureSplit,
  work: Work<RunState, MeasuredRun>,
): Promise<MeasuredRun> {
  const { backend, state } = work;
  const { patch, picture, landscape } = options;
  const model = encoderOf(options, kernel);
  const early = first && { ...first, model: encoderOf(options, first.kernel) };
  const late = { model, learningRate };
  let { length: finished } = state?.training.epochs ?? [];
  /** The stage of the epoch that is trained or measured. */
  const stage = (): typeof late => (early !== undefined && finished < early.epochs ? early : late);
  const staged: Pick<Encoder, "apply"> = { apply: (...call) => stage().model.apply(...call) };
  const examplesOf = (pictures: Pictures): Examples => ({
    labels: pictures.labels,
    inputs: (rows): Tensor =>
      backend.tensor(patches(pictures, rows, patch), [rows.length, (picture.size / patch) ** 2, patch ** 2]),
  });
  const examples = { train: examplesOf(split.train), test: examplesOf(split.test) };
  const parameters: EncoderParameters = model.initialize(backend, random(STREAMS * seed + 2));
  const baseline = { positionsAccuracy: positionsAccuracy(split.train, split.test), isTrial };
  const resultOf = ({ epochs, losses, watched }: TrainingSoFar<EpochResult>): MeasuredRun => ({
    run: { kernel, seed, learningRate, epochs, losses, watched },
    ...baseline,
  });
  const start = landscape && state === undefined ? [await readVector(parameters)] : [];
  const path = state === undefined ? start : state.path.map(({ data }) => Float64Array.from(data));
  // of many epochs only every `stride`-th and the last are stored
  const stride = Math.ceil(options.epochs / PATH_POINTS);
  const training: Work<RunState["training"]> = {
    ...work,
    state: state?.training,
    store: (latest) => work.store({ training: latest, path: path.map((data) => ({ shape: [data.length], data })) }),
  };
  try {
    const how = {
      ...options,
      learningRate: early === undefined ? learningRate : () => stage().learningRate,
      label: `${kernel}, ${isTrial ? `rate ${learningRate}, ` : ""}seed ${seed}`,
      seed: STREAMS * seed + 3,
      async measured(soFar: TrainingSoFar<EpochResult>) {
        const { epochs } = soFar;
        finished = epochs.length;
        if (landscape && (epochs.length % stride === 0 || epochs.length === options.epochs))
          path.push(await readVector(parameters));
        await work.measured(resultOf(soFar));
      },
    };
    const result = resultOf(await trainClassifier(staged, parameters, examples, how, training));
    if (!landscape) return result;
    const rows = Array.from({ length: Math.min(landscape.pictures, options.test) }, (_, row) => row);
    const loss = (weights: EncoderParameters): Tensor => classifierLoss(model, weights, examples.test, rows);
    return {
      ...result,
      landscape: await measureLandscape({ kernel, seed }, { loss, parameters, path }, landscape, drawn, work),
    };
  } finally {
    disposeTree(parameters);
  }
}

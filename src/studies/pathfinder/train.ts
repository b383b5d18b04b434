import { readVector } from "../../analysis/vectors.js";
import { random } from "../../core/random.js";
import { disposeTree, type Tensor } from "../../core/tensor.js";
import { encoder, type EncoderParameters } from "../../nn/encoder.js";
import type { ClassifierRun } from "../comparison/runs.js";
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
export interface MeasuredRun {
  readonly run: ClassifierRun;
  readonly positionsAccuracy: number;
  readonly landscape?: Landscape;
}

/** Trains one encoder, or continues a stored training; with `drawn` its landscape has planes. */
export async function trainRun(
  options: PathfinderOptions,
  { kernel, seed, drawn }: { readonly kernel: string; readonly seed: number; readonly drawn: boolean },
  split: PictureSplit,
  work: Work<RunState, MeasuredRun>,
): Promise<MeasuredRun> {
  const { backend, state } = work;
  const { patch, width, hidden, heads, layers, picture, landscape } = options;
  const [tokens, vocabulary] = [(picture.size / patch) ** 2, patch ** 2];
  const model = encoder({ kernel: plainKernel(kernel), vocabulary, classes: 2, tokens, width, hidden, heads, layers });
  const examplesOf = (pictures: Pictures): Examples => ({
    labels: pictures.labels,
    inputs: (rows): Tensor => backend.tensor(patches(pictures, rows, patch), [rows.length, tokens, vocabulary]),
  });
  const examples = { train: examplesOf(split.train), test: examplesOf(split.test) };
  const parameters: EncoderParameters = model.initialize(backend, random(STREAMS * seed + 2));
  const baseline = { positionsAccuracy: positionsAccuracy(split.train, split.test) };
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
      label: `${kernel}, seed ${seed}`,
      seed: STREAMS * seed + 3,
      async measured({ epochs, losses, watched }: TrainingSoFar<EpochResult>) {
        if (landscape && (epochs.length % stride === 0 || epochs.length === options.epochs))
          path.push(await readVector(parameters));
        await work.measured({ run: { kernel, seed, epochs, losses, watched }, ...baseline });
      },
    };
    const { epochs, losses, watched } = await trainClassifier(model, parameters, examples, how, training);
    const run = { kernel, seed, epochs, losses, watched };
    if (!landscape) return { run, ...baseline };
    const rows = Array.from({ length: Math.min(landscape.pictures, options.test) }, (_, row) => row);
    const loss = (weights: EncoderParameters): Tensor => classifierLoss(model, weights, examples.test, rows);
    return {
      run,
      ...baseline,
      landscape: await measureLandscape({ kernel, seed }, { loss, parameters, path }, landscape, drawn, work),
    };
  } finally {
    disposeTree(parameters);
  }
}

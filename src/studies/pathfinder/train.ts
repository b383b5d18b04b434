import { readVector } from "../../analysis/vectors.js";
import { random } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import { encoder, type EncoderParameters } from "../../nn/encoder.js";
import { classifierLoss, disposeTree, trainClassifier, type EpochResult, type Examples } from "../classifier.js";
import { plainKernel } from "../plain-kernel.js";
import type { Session } from "../study.js";
import type { PathfinderConfiguration } from "./configuration.js";
import { measureLandscape, type Landscape } from "./landscapes.js";
import type { ClassifierRun } from "../comparison/runs.js";
import { drawPictures, patches, type Pictures } from "./pictures.js";

/** Streams of random numbers that a seed has: pictures to train on, pictures to test on, weights, order of the pictures. */
const STREAMS = 4;

export interface PictureSplit {
  readonly train: Pictures;
  readonly test: Pictures;
}

/** The pictures of a seed; no kernel changes them. */
export function splitPictures({ picture, train, test }: PathfinderConfiguration, seed: number): PictureSplit {
  return { train: drawPictures(picture, train, STREAMS * seed), test: drawPictures(picture, test, STREAMS * seed + 1) };
}

/** About how many points of the training path the plane of its principal directions is drawn through. */
const PATH_POINTS = 24;

/** Trains one encoder and yields the run so far after every epoch, and its landscape at the end where the configuration wants one. */
export async function* trainRun(
  configuration: PathfinderConfiguration,
  kernel: string,
  seed: number,
  split: PictureSplit,
  session: Session<unknown>,
): AsyncGenerator<{ readonly run: ClassifierRun; readonly landscape?: Landscape }> {
  const { backend } = session;
  const { patch, width, hidden, heads, layers, picture, landscape } = configuration;
  const [tokens, vocabulary] = [(picture.size / patch) ** 2, patch ** 2];
  const model = encoder({ kernel: plainKernel(kernel), vocabulary, classes: 2, tokens, width, hidden, heads, layers });
  const examplesOf = (pictures: Pictures): Examples => ({
    labels: pictures.labels,
    inputs: (rows): Tensor => backend.tensor(patches(pictures, rows, patch), [rows.length, tokens, vocabulary]),
  });
  const examples = { train: examplesOf(split.train), test: examplesOf(split.test) };
  const parameters: EncoderParameters = model.initialize(backend, random(STREAMS * seed + 2));
  const epochs: EpochResult[] = [];
  const losses: number[] = [];
  const path: Float64Array[] = landscape ? [await readVector(parameters)] : [];
  // every epoch where there are few, some of them where there are many, the last in any case
  const stride = Math.ceil(configuration.epochs / PATH_POINTS);
  try {
    const options = { ...configuration, label: `${kernel}, seed ${seed}`, seed: STREAMS * seed + 3 };
    for await (const { losses: own, ...epoch } of trainClassifier(model, parameters, examples, options, session)) {
      losses.push(...own);
      epochs.push(epoch);
      if (landscape && (epoch.epoch % stride === 0 || epoch.epoch === configuration.epochs)) path.push(await readVector(parameters));
      yield { run: { kernel, seed, epochs: [...epochs], losses: [...losses] } };
    }
    if (landscape) {
      const rows = Array.from({ length: Math.min(landscape.pictures, configuration.test) }, (_, row) => row);
      const loss = (weights: EncoderParameters): Tensor => classifierLoss(model, weights, examples.test, rows);
      const measured = await measureLandscape({ kernel, seed }, loss, parameters, path, landscape, session);
      yield { run: { kernel, seed, epochs, losses }, landscape: measured };
    }
  } finally {
    disposeTree(parameters);
  }
}

import { random } from "../../core/random.js";
import { DataError } from "../../core/errors.js";
import { disposeTree, type Tensor } from "../../core/tensor.js";
import { encoder } from "../../nn/encoder.js";
import type { Corpus } from "../corpus/corpus.js";
import { stratifiedSplit } from "../corpus/dataset.js";
import { encoderKernel } from "../kernels.js";
import type { Work } from "../runner/study.js";
import { evaluate, trainClassifier, type EpochResult, type Examples } from "../training/classifier.js";
import type { TrainingState } from "../training/train.js";
import { STREAMS } from "./experiments.js";
import { measureLayers } from "./layers.js";
import type { ContaminatedTest, EllipticalRun, ImageSummary } from "./measurements.js";
import type { EllipticalOptions } from "./options.js";

/** Test pictures on which layers are measured. */
const LOOKED_AT = 64;
const WHITE = 255;

/** Pictures as features of square patches, [count, tokens, pixels] in [0, 1], and their labels. */
interface Patches {
  readonly count: number;
  readonly tokens: number;
  readonly pixels: number;
  readonly levels: Float32Array;
  readonly labels: Int32Array;
}

export interface Images {
  readonly classes: readonly string[];
  readonly train: Patches;
  readonly test: Patches;
  readonly summary: ImageSummary;
}

/** The side of the pictures of a corpus, which are texts of one character a pixel. */
function sideOf({ name, examples }: Corpus, patch: number): number {
  const side = Math.sqrt(examples[0].text.length);
  if (examples.every(({ text }) => text.length === side ** 2) && side % patch === 0) return side;
  throw new DataError({
    where: "study elliptical",
    argument: "images",
    wanted: `square pictures of one size whose side is a multiple of the patch, ${patch}`,
    got: `${name}, of ${examples[0].text.length} pixels first`,
    fix: "Choose --patch, or give IDX, CIFAR or PNG files as in docs/studies.md.",
  });
}

/** A seeded split of a corpus of pictures. */
export function prepareImages(corpus: Corpus, { image }: EllipticalOptions, seed: number): Images {
  const { patch } = image;
  const side = sideOf(corpus, patch);
  const across = side / patch;
  const classes = [...new Set(corpus.examples.map(({ label }) => label))].sort();
  const rows = corpus.examples.map(({ label }, row) => ({ tokens: [String(row)], label: classes.indexOf(label) }));
  const parts = stratifiedSplit(rows, classes, random(seed), image);
  const cut = (part: typeof parts.train): Patches => {
    const levels = new Float32Array(part.length * side ** 2);
    part.forEach(({ tokens: [row] }, place) => {
      const { text } = corpus.examples[Number(row)];
      for (let at = 0; at < side ** 2; at++) {
        const [y, x] = [Math.floor(at / side), at % side];
        const token = Math.floor(y / patch) * across + Math.floor(x / patch);
        levels[place * side ** 2 + token * patch ** 2 + (y % patch) * patch + (x % patch)] =
          text.charCodeAt(at) / WHITE;
      }
    });
    return {
      count: part.length,
      tokens: across ** 2,
      pixels: patch ** 2,
      levels,
      labels: Int32Array.from(part, ({ label }) => label),
    };
  };
  const [train, test] = [cut(parts.train), cut(parts.test)];
  return { classes, train, test, summary: { name: corpus.name, side, train: train.count, test: test.count } };
}

/** Adds normal noise of this standard deviation to every pixel; the same draws serve every deviation. */
function withNoise(levels: Float32Array, deviation: number, seed: number): Float32Array {
  const noise = random(seed).normals(levels.length);
  return levels.map((level, at) => level + deviation * noise[at]);
}

/** Makes about this share of the patches black; a patch that is black at one share is so at every larger one. */
function withOcclusion({ levels, pixels }: Patches, share: number, seed: number): Float32Array {
  const source = random(seed);
  const thresholds = Float64Array.from({ length: levels.length / pixels }, () => source.uniform());
  return levels.map((level, at) => (thresholds[Math.floor(at / pixels)] < share ? 0 : level));
}

/** Trains an encoder to classify clean pictures, and tests it on pictures with noise and with black patches. */
export async function classifyImages(
  options: EllipticalOptions,
  name: string,
  seed: number,
  { classes, train, test }: Images,
  work: Work<TrainingState<EpochResult>>,
): Promise<EllipticalRun> {
  const { backend } = work;
  const kernel = encoderKernel(name);
  const { width, hidden, heads, layers, image, monitor, contamination } = options;
  const { tokens, pixels } = train;
  const sizes = { vocabulary: pixels, classes: classes.length, tokens, width, hidden, heads, layers };
  const model = encoder({ kernel, ...sizes });
  const parameters = model.initialize(backend, random(STREAMS * seed + 1));
  const size = tokens * pixels;
  const featuresOf = (levels: Float32Array, rows: readonly number[]): Tensor => {
    const chosen = new Float32Array(rows.length * size);
    rows.forEach((row, place) => chosen.set(levels.subarray(row * size, (row + 1) * size), place * size));
    return backend.tensor(chosen, [rows.length, tokens, pixels]);
  };
  const examplesOf = ({ labels }: Patches, levels: Float32Array): Examples => ({
    labels,
    inputs: (rows) => featuresOf(levels, rows),
  });
  try {
    const { epochs, watched } = await trainClassifier(
      model,
      parameters,
      { train: examplesOf(train, train.levels), test: examplesOf(test, test.levels) },
      {
        ...image,
        monitor,
        label: `images ${name}, seed ${seed}`,
        seed: STREAMS * seed + 2,
        measured: () => Promise.resolve(),
      },
      work,
    );
    const tests: ContaminatedTest[] = [];
    for (const share of contamination) {
      const changed = [
        withNoise(test.levels, share, STREAMS * seed + 3),
        withOcclusion(test, share, STREAMS * seed + 3),
      ] as const;
      const [noisy, occluded] = await Promise.all(
        changed.map((levels) => evaluate(model, parameters, examplesOf(test, levels), work)),
      );
      tests.push({
        share,
        loss: noisy.testLoss,
        accuracy: noisy.testAccuracy,
        occludedAccuracy: occluded.testAccuracy,
      });
    }
    const looked = Array.from({ length: Math.min(LOOKED_AT, test.count) }, (_, row) => row);
    const features = featuresOf(test.levels, looked);
    const measured = await measureLayers(model, kernel, parameters, features);
    features.dispose();
    return { experiment: "images", kernel: name, seed, epochs, tests, layers: measured, watched };
  } finally {
    disposeTree(parameters);
  }
}

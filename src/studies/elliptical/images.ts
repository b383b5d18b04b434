import { DataError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import type { Tensor } from "../../core/tensor.js";
import type { Corpus } from "../corpus/corpus.js";
import { stratifiedSplit } from "../corpus/dataset.js";
import { patches } from "../corpus/patches.js";
import { encoderKernel } from "../kernels.js";
import type { Work } from "../runner/study.js";
import { evaluate, type EpochResult } from "../training/classifier.js";
import { trainEncoderClassifier } from "../training/encoder-classifier.js";
import type { TrainingState } from "../training/train.js";
import { STREAMS } from "./experiments.js";
import { measureLayers } from "./layers.js";
import type { ContaminatedTest, EllipticalRun, ImageSummary } from "./measurements.js";
import type { EllipticalOptions } from "./options.js";

/** Test pictures on which layers are measured. */
const LOOKED_AT = 64;

/** Levels of pictures in [0, 1], patch by patch, and their classes. */
interface Part {
  readonly levels: Float32Array;
  readonly labels: Int32Array;
}

export interface Images {
  readonly classes: number;
  /** Patches of a picture. */
  readonly tokens: number;
  /** Pixels of a patch. */
  readonly pixels: number;
  readonly train: Part;
  readonly test: Part;
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
  const size = sideOf(corpus, patch);
  const classes = [...new Set(corpus.examples.map(({ label }) => label))].sort();
  const rows = corpus.examples.map(({ text, label }) => ({ tokens: [text], label: classes.indexOf(label) }));
  const parts = stratifiedSplit(rows, classes, random(seed), image);
  const cut = (part: typeof parts.train): Part => {
    const pixels = Buffer.from(part.map(({ tokens: [text] }) => text).join(""), "latin1");
    return {
      levels: patches({ size, pixels }, [...part.keys()], patch),
      labels: Int32Array.from(part, ({ label }) => label),
    };
  };
  return {
    classes: classes.length,
    tokens: (size / patch) ** 2,
    pixels: patch ** 2,
    train: cut(parts.train),
    test: cut(parts.test),
    summary: { name: corpus.name, side: size, train: parts.train.length, test: parts.test.length },
  };
}

/** Adds normal noise of this standard deviation to every pixel; the same draws serve every deviation. */
function withNoise(levels: Float32Array, deviation: number, seed: number): Float32Array {
  const noise = random(seed).normals(levels.length);
  return levels.map((level, at) => level + deviation * noise[at]);
}

/** Makes about this share of the patches black; a patch that is black at one share is so at every larger one. */
function withOcclusion(levels: Float32Array, pixels: number, share: number, seed: number): Float32Array {
  const source = random(seed);
  const thresholds = Float64Array.from({ length: levels.length / pixels }, () => source.uniform());
  return levels.map((level, at) => (thresholds[Math.floor(at / pixels)] < share ? 0 : level));
}

/** Trains an encoder to classify clean pictures, and tests it on pictures with noise and with black patches. */
export function classifyImages(
  { width, hidden, heads, layers, image, monitor, contamination }: EllipticalOptions,
  name: string,
  seed: number,
  { classes, tokens, pixels, train, test }: Images,
  work: Work<TrainingState<EpochResult>>,
): Promise<EllipticalRun> {
  const kernel = encoderKernel(name);
  const size = tokens * pixels;
  const examplesOf = ({ levels, labels }: Part) => ({
    labels,
    inputs(rows: readonly number[]): Tensor {
      const chosen = new Float32Array(rows.length * size);
      rows.forEach((row, place) => chosen.set(levels.subarray(row * size, (row + 1) * size), place * size));
      return work.backend.tensor(chosen, [rows.length, tokens, pixels]);
    },
  });
  const clean = examplesOf(test);
  const training = {
    ...image,
    ...{ monitor, width, hidden, heads, layers, kernel },
    label: `images ${name}, seed ${seed}`,
    start: STREAMS * seed + 1,
    seed: STREAMS * seed + 2,
  };
  return trainEncoderClassifier(
    { vocabulary: pixels, classes, tokens, train: examplesOf(train), test: clean },
    training,
    work,
    async ({ model, parameters, epochs, watched }): Promise<EllipticalRun> => {
      const on = (levels: Float32Array) =>
        evaluate(model, parameters, examplesOf({ levels, labels: test.labels }), work);
      const tests: ContaminatedTest[] = [];
      for (const share of contamination) {
        const noisy = await on(withNoise(test.levels, share, STREAMS * seed + 3));
        const occluded = await on(withOcclusion(test.levels, pixels, share, STREAMS * seed + 3));
        tests.push({
          share,
          loss: noisy.testLoss,
          accuracy: noisy.testAccuracy,
          occludedAccuracy: occluded.testAccuracy,
        });
      }
      const features = clean.inputs([...test.labels.keys()].slice(0, LOOKED_AT));
      const measured = await measureLayers(model, kernel, parameters, features);
      features.dispose();
      return { experiment: "images", kernel: name, seed, epochs, tests, layers: measured, watched };
    },
  );
}

import { indices } from "../../core/indices.js";
import { random } from "../../core/random.js";
import { disposeTree } from "../../core/tensor.js";
import { causal } from "../../kernels/mask.js";
import { encoder } from "../../nn/encoder.js";
import { contaminate, drawContamination } from "../corpus/contaminate.js";
import { rowsOf, type Dataset } from "../corpus/dataset.js";
import { PADDING } from "../corpus/vocabulary.js";
import type { WindowData } from "../corpus/window-data.js";
import type { Windows } from "../corpus/windows.js";
import { encoderKernel } from "../kernels.js";
import type { Work } from "../runner/study.js";
import { evaluate, type EpochResult } from "../training/classifier.js";
import type { EpochMeasure } from "../training/epochs.js";
import { nextWordPredictions } from "../training/next-word.js";
import { meanLoss, trainPredictions } from "../training/predictions.js";
import { textExamples, trainTextClassifier } from "../training/text-classifier.js";
import type { TrainingState } from "../training/train.js";
import { measureLayers } from "./layers.js";
import type { ContaminatedTest, EllipticalRun } from "./measurements.js";
import type { EllipticalOptions } from "./options.js";

/** Random streams per seed: split, weights, order, contamination. */
export const STREAMS = 4;
/** Test texts on which layers are measured. */
const LOOKED_AT = 64;

/** The first texts without padding, or the first text if all are padded. */
function wholeTexts({ ids, count, tokens }: Windows): ReturnType<typeof indices> {
  const whole = Array.from({ length: count }, (_, row) => row).filter(
    (row) => !ids.subarray(row * tokens, (row + 1) * tokens).includes(PADDING),
  );
  const chosen = (whole.length === 0 ? [0] : whole).slice(0, LOOKED_AT);
  return indices(rowsOf({ ids, count, tokens }, chosen), [chosen.length, tokens]);
}

/** The test texts at every share of contamination. */
function contaminated<Texts extends Windows>(
  texts: Texts,
  vocabulary: number,
  { contamination, attack }: EllipticalOptions,
  seed: number,
): { share: number; texts: Texts }[] {
  const drawn = drawContamination(texts.ids.length, vocabulary, random(STREAMS * seed + 3), attack);
  return contamination.map((share) => ({ share, texts: { ...texts, ids: contaminate(texts.ids, drawn, share) } }));
}

/** Trains an encoder to classify clean texts, and tests it on contaminated ones. */
export function classify(
  options: EllipticalOptions,
  name: string,
  seed: number,
  dataset: Dataset,
  work: Work<TrainingState<EpochResult>>,
): Promise<EllipticalRun> {
  const kernel = encoderKernel(name);
  const { width, hidden, heads, layers, text, monitor } = options;
  const seeds = { start: STREAMS * seed + 1, seed: STREAMS * seed + 2 };
  const training = {
    ...text,
    monitor,
    width,
    hidden,
    heads,
    layers,
    kernel,
    optimizer: "sgd",
    label: `text ${name}, seed ${seed}`,
    ...seeds,
  } as const;
  return trainTextClassifier(
    dataset,
    training,
    work,
    async ({ model, parameters, epochs, watched }): Promise<EllipticalRun> => {
      const tests: ContaminatedTest[] = [];
      for (const { share, texts } of contaminated(dataset.test, dataset.vocabulary.size, options, seed)) {
        const { testAccuracy: accuracy, testLoss: loss } = await evaluate(model, parameters, textExamples(texts), work);
        tests.push({ share, loss, accuracy });
      }
      return {
        experiment: "text",
        kernel: name,
        seed,
        epochs,
        tests,
        layers: await measureLayers(model, kernel, parameters, wholeTexts(dataset.test)),
        watched,
      };
    },
  );
}

/**
 * Trains an encoder to predict next words of clean texts, and tests it on contaminated ones: their clean words, and the
 * words as they are.
 */
export async function predictWords(
  options: EllipticalOptions,
  name: string,
  seed: number,
  { vocabulary, train, test }: WindowData,
  work: Work<TrainingState<EpochMeasure>>,
): Promise<EllipticalRun> {
  const kernel = encoderKernel(name, { causal: true });
  const { tokens } = train;
  const { width, hidden, heads, layers } = options;
  const encoding = encoder({ width, hidden, heads, layers, kernel, vocabulary, classes: vocabulary, tokens });
  const parameters = encoding.initialize(work.backend, random(STREAMS * seed + 1));
  const training = {
    ...options.language,
    monitor: options.monitor,
    label: `language ${name}, seed ${seed}`,
    seed: STREAMS * seed + 2,
  };
  try {
    const { epochs, watched } = await trainPredictions(
      encoding,
      parameters,
      { train: nextWordPredictions(train), test: nextWordPredictions(test) },
      training,
      work,
    );
    const tests: ContaminatedTest[] = [];
    for (const { share, texts } of contaminated(test, vocabulary, options, seed)) {
      tests.push({
        share,
        loss: await meanLoss(encoding, parameters, nextWordPredictions(test, texts), work),
        contaminatedLoss: await meanLoss(encoding, parameters, nextWordPredictions(texts), work),
      });
    }
    return {
      experiment: "language",
      kernel: name,
      seed,
      epochs,
      tests,
      layers: await measureLayers(encoding, kernel, parameters, wholeTexts(test), causal()),
      watched,
    };
  } finally {
    disposeTree(parameters);
  }
}

import { bySeed, latest, seedsOf } from "../comparison/seeds.js";
import { contentOf, prepareDataset, summarize, type Dataset } from "../corpus/dataset.js";
import { openCorpus } from "../corpus/file.js";
import { prepareWindows, type WindowData } from "../corpus/window-data.js";
import { encoderKernel } from "../kernels.js";
import { declareStudy, type Task } from "../runner/study.js";
import type { EpochResult } from "../training/classifier.js";
import type { EpochMeasure } from "../training/epochs.js";
import type { TrainingState } from "../training/train.js";
import { classify, predictWords, STREAMS } from "./experiments.js";
import { classifyImages, prepareImages, type Images } from "./images.js";
import type { EllipticalResult } from "./measurements.js";
import { derive, ellipticalOptions } from "./options.js";
import { report } from "./report.js";

interface Texts {
  /** Texts to classify. */
  readonly dataset: Dataset;
  /** Windows in which next words are predicted. */
  readonly words: WindowData;
}

/** The corpus as a seed splits it; only what the experiments need is prepared. */
interface Data {
  readonly textsOf: (seed: number) => Texts;
  readonly imagesOf: (seed: number) => Images;
}

/**
 * Encoders that classify texts or predict next words, or classify pictures, trained on clean ones and tested on
 * contaminated ones.
 */
export const elliptical = declareStudy({
  name: "elliptical",
  question:
    "dot-product, elliptical and Mahalanobis attention on contaminated texts or pictures: accuracy, perplexity, " +
    "collapse, redundancy",
  title: "Contaminated texts or pictures with dot-product, elliptical and Mahalanobis attention",
  options: ellipticalOptions,
  derive,
  check({ kernels, images }) {
    for (const name of kernels) {
      encoderKernel(name);
      if (images === undefined) encoderKernel(name, { causal: true });
    }
  },

  async data(options, _, report): Promise<Data> {
    const { data, images, text, language } = options;
    const corpus = await openCorpus(images ?? data);
    const textsOf = latest((seed): Texts => {
      const dataset = prepareDataset(corpus, { ...text, seed: STREAMS * seed });
      const words = prepareWindows(corpus, language, STREAMS * seed, { unknown: "predicted" });
      report({
        kind: "note",
        text: `${dataset.train.count} texts to classify, ${words.train.count} windows to predict words in`,
      });
      return { dataset, words };
    });
    return { textsOf, imagesOf: latest((seed): Images => prepareImages(corpus, options, STREAMS * seed)) };
  },

  tasks(options, first) {
    const { kernels, seeds, text, language, image, images, ...rest } = options;
    const shared = (experiment: string, kernel: string, seed: number) => ({
      name: `${experiment} ${kernel} seed ${seed}`,
      stage: `Seed ${seed}`,
    });
    const summaryOf = ({ dataset, words }: Texts) => ({ texts: summarize(dataset), windows: words.summary });
    const classifying = (kernel: string, seed: number): Task<Data, EllipticalResult, TrainingState<EpochResult>> => ({
      ...shared("text", kernel, seed),
      depends: ({ textsOf }) => ({ ...rest, text, data: contentOf(textsOf(seed).dataset) }),
      run: async ({ textsOf }, work) => ({
        ...summaryOf(textsOf(seed)),
        run: await classify(options, kernel, seed, textsOf(seed).dataset, work),
      }),
    });
    const predicting = (kernel: string, seed: number): Task<Data, EllipticalResult, TrainingState<EpochMeasure>> => ({
      ...shared("language", kernel, seed),
      depends({ textsOf }) {
        const { train, test, vocabulary } = textsOf(seed).words;
        return { ...rest, data: undefined, language, train, test, vocabulary };
      },
      run: async ({ textsOf }, work) => ({
        ...summaryOf(textsOf(seed)),
        run: await predictWords(options, kernel, seed, textsOf(seed).words, work),
      }),
    });
    const seeing = (kernel: string, seed: number): Task<Data, EllipticalResult, TrainingState<EpochResult>> => ({
      ...shared("images", kernel, seed),
      depends: ({ imagesOf }) => ({ ...rest, data: undefined, image, images: imagesOf(seed) }),
      run: async ({ imagesOf }, work) => ({
        images: imagesOf(seed).summary,
        run: await classifyImages(options, kernel, seed, imagesOf(seed), work),
      }),
    });
    if (images !== undefined)
      return seedsOf(first, { seeds }).flatMap((seed) => kernels.map((kernel) => seeing(kernel, seed)));
    return seedsOf(first, { seeds }).flatMap((seed) => [
      ...kernels.map((kernel) => classifying(kernel, seed)),
      ...kernels.map((kernel) => predicting(kernel, seed)),
    ]);
  },

  gather: (done: readonly EllipticalResult[]) => ({
    texts: bySeed(done, ({ texts }) => texts).flatMap((texts) => texts ?? []),
    windows: bySeed(done, ({ windows }) => windows).flatMap((windows) => windows ?? []),
    images: bySeed(done, ({ images }) => images).flatMap((images) => images ?? []),
    runs: done.map(({ run }) => run),
  }),
  report,
});

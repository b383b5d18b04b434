import {
  comparisonOptions,
  dataOption,
  modelOptions,
  monitorOption,
  splitOptions,
  trainingOptions,
  windowOptions,
} from "../options.js";
import { attackNames } from "../corpus/contaminate.js";
import { oneOf, optionalText, setting, whole, type Chosen, type Values } from "../runner/options.js";
import { list, real } from "../runner/schema.js";

/** MNIST and its kin have 70,000 pictures. */
const PICTURES = { least: 8, most: 1_000_000 };

export const ellipticalOptions = {
  ...comparisonOptions(
    ["softmax", "elliptical", "mahalanobisNormalized"],
    4,
    "splits, starts, orders and contaminations",
  ),
  attack: oneOf("swap", attackNames, {
    help:
      "what a swapped token becomes: a random known word, or the least frequent known word; rare also sets three " +
      "seeds, four layers, 64 words of a text and a window, and other kernels",
  }),
  /** Shares of the tokens that are swapped in tests, increasing. */
  contamination: setting<readonly number[]>([0, 0.1, 0.2, 0.3], list(real(0, 1), 1, 64)),
  ...modelOptions({ width: 32, hidden: 64, heads: 4, layers: 2 }),
  /** Classification by stochastic gradient descent with momentum 0.9. */
  text: {
    ...splitOptions({ tokens: 32, train: 896, test: 512, vocabulary: 4000 }),
    ...trainingOptions({ batch: 16, epochs: 4, learningRate: 0.01 }),
  },
  /** Prediction of next words by Adam. */
  language: {
    ...windowOptions({ texts: 1024, testTexts: 256, length: 64, tokens: 16, train: 2048, test: 256, vocabulary: 300 }, [
      "examples",
      "texts, windows or pictures to train on",
    ]),
    ...trainingOptions({ batch: 32, epochs: 4, learningRate: 0.003 }),
  },
  /** Classification of pictures by Adam. */
  images: optionalText({
    flag: "images",
    argument: "path",
    help:
      "pictures (IDX, CIFAR, PNG) to classify under noise and occlusion, instead of texts; also sets three seeds, " +
      "four layers and other kernels",
  }),
  image: {
    patch: whole(4, { least: 1, most: 256, help: "side of a patch of these pictures in pixels" }),
    train: whole(4096, { ...PICTURES, flag: "examples", help: "texts, windows or pictures to train on" }),
    test: whole(1024, PICTURES),
    ...trainingOptions({ batch: 64, epochs: 6, learningRate: 0.003 }),
  },
  monitor: monitorOption,
  data: dataOption,
};

export type EllipticalOptions = Values<typeof ellipticalOptions>;

const CONTROLS = ["softmax", "elliptical", "softmaxUnscaled", "ellipticalUnscaled", "ellipticalRandom"];

/** Defaults of pictures and of the attack. */
export function derive({ attack, images }: Chosen<typeof ellipticalOptions>): Chosen<typeof ellipticalOptions> {
  if (images !== undefined) return { seeds: 3, kernels: [...CONTROLS, "ellipticalMedian"], layers: 4 };
  return attack === "rare"
    ? {
        seeds: 3,
        kernels: CONTROLS,
        contamination: [0, 0.015, 0.025, 0.04],
        layers: 4,
        text: { tokens: 64 },
        language: { tokens: 64, length: 256 },
      }
    : {};
}

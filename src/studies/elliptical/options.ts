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
import { oneOf, setting, type Chosen, type Values } from "../runner/options.js";
import { list, real } from "../runner/schema.js";

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
      "texts and windows to train on",
    ]),
    ...trainingOptions({ batch: 32, epochs: 4, learningRate: 0.003 }),
  },
  monitor: monitorOption,
  data: dataOption,
};

export type EllipticalOptions = Values<typeof ellipticalOptions>;

/** Defaults of the attack. */
export const derive = ({ attack }: Chosen<typeof ellipticalOptions>): Chosen<typeof ellipticalOptions> =>
  attack === "rare"
    ? {
        seeds: 3,
        kernels: ["softmax", "elliptical", "softmaxUnscaled", "ellipticalUnscaled", "ellipticalRandom"],
        contamination: [0, 0.015, 0.025, 0.04],
        layers: 4,
        text: { tokens: 64 },
        language: { tokens: 64, length: 256 },
      }
    : {};

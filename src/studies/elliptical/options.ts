import {
  comparisonOptions,
  dataOption,
  modelOptions,
  monitorOption,
  splitOptions,
  trainingOptions,
  windowOptions,
} from "../options.js";
import { setting, type Values } from "../runner/options.js";
import { list, real } from "../runner/schema.js";

export const ellipticalOptions = {
  ...comparisonOptions(
    ["softmax", "elliptical", "mahalanobisNormalized"],
    4,
    "splits, starts, orders and contaminations",
  ),
  /** Shares of the tokens that are swapped for random words in tests, increasing. */
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

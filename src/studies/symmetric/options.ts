import {
  comparisonOptions,
  dataOption,
  modelOptions,
  monitorOption,
  trainingOptions,
  windowOptions,
} from "../options.js";
import type { Values } from "../runner/options.js";

export const symmetricOptions = {
  ...comparisonOptions(["softmax", "symmetric", "pairwise", "pairwiseScaled"], 3, "splits, starts, orders and masks"),
  ...windowOptions({ texts: 1024, testTexts: 256, length: 64, tokens: 16, train: 2048, test: 256, vocabulary: 300 }, [
    "windows",
    "most windows to train on",
  ]),
  ...modelOptions({ width: 32, hidden: 64, heads: 2, layers: 2 }),
  ...trainingOptions({ batch: 32, epochs: 12, learningRate: 0.003 }),
  monitor: monitorOption,
  data: dataOption,
};

export type SymmetricOptions = Values<typeof symmetricOptions>;

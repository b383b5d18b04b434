import { rateOptions } from "../comparison/rates.js";
import { comparisonOptions, dataOption, epochOptions, modelOptions, monitorOption, splitOptions } from "../options.js";
import { oneOf, type Values } from "../runner/options.js";

export const textOptions = {
  scale: oneOf("quick", ["quick", "full"]),
  unit: oneOf("words", ["words", "bytes"], { help: "what a token is" }),
  ...comparisonOptions(["softmax", "gaussian", "gaussianNormalized"], 10, "splits, starts and orders"),
  ...splitOptions({ tokens: 16, train: 896, test: 512, vocabulary: 4000 }, "words or bytes of a text"),
  ...modelOptions({ width: 32, hidden: 64, heads: 2, layers: 2 }),
  ...epochOptions({ batch: 16, epochs: 6 }),
  optimizer: oneOf("sgd", ["sgd", "adam"], { help: "sgd has momentum 0.9" }),
  ...rateOptions([0.003, 0.01, 0.03], 2),
  monitor: monitorOption,
  data: dataOption,
};

export type TextOptions = Values<typeof textOptions>;

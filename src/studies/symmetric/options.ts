import { ArgumentError } from "../../core/errors.js";
import {
  comparisonOptions,
  dataOption,
  modelOptions,
  monitorOption,
  STEPS,
  trainingOptions,
  windowOptions,
} from "../options.js";
import { oneOf, real, whole, type Chosen, type Values } from "../runner/options.js";

export const symmetricOptions = {
  task: oneOf("texts", ["texts", "repeats"], {
    help:
      "masked words of texts, or of drawn sequences whose second half repeats the first; repeats also sets other " +
      "kernels, 4 seeds, 32 tokens, 64 words, width 64, hidden 128, 4 heads, norm post, spread 0.55, 3200 windows, " +
      "batches of 64, 16 epochs, rate 0.0003 and warm-up 40",
  }),
  ...comparisonOptions(["softmax", "symmetric", "pairwise", "pairwiseScaled"], 3, "splits, starts, orders and masks"),
  ...windowOptions({ texts: 1024, testTexts: 256, length: 64, tokens: 16, train: 2048, test: 256, vocabulary: 300 }, [
    "windows",
    "most windows to train on",
  ]),
  ...modelOptions({ width: 32, hidden: 64, heads: 2, layers: 2 }),
  norm: oneOf("pre", ["pre", "post"], { help: "where layers normalise" }),
  /** The kernels' own parameters, such as the matrices of pairwise attention, keep their initial spread. */
  spread: real(1, {
    least: 0,
    most: 100,
    help: "initial projections and feed-forward matrices have standard deviation x/√rows",
  }),
  ...trainingOptions({ batch: 32, epochs: 12, learningRate: 0.003 }),
  warmup: whole(0, { least: 0, most: STEPS.most, help: "steps over which the learning rate rises at the start" }),
  monitor: monitorOption,
  data: dataOption,
};

export type SymmetricOptions = Values<typeof symmetricOptions>;

/**
 * BERT's start at a small size: norms after the layers, matrices with 0.55/√rows, which is BERT's 0.02 at its width
 * 768, and a warm-up over 5 % of the steps.
 */
const REPEATS: Chosen<typeof symmetricOptions> = {
  kernels: ["softmax", "softmaxUnscaled", "symmetric", "pairwise", "pairwiseScaled"],
  seeds: 4,
  tokens: 32,
  vocabulary: 64,
  train: 3200,
  width: 64,
  hidden: 128,
  heads: 4,
  norm: "post",
  spread: 0.55,
  batch: 64,
  epochs: 16,
  learningRate: 3e-4,
  warmup: 40,
};

/** Defaults of the task. */
export const derive = ({ task }: Chosen<typeof symmetricOptions>): Chosen<typeof symmetricOptions> =>
  task === "repeats" ? REPEATS : {};

/** @throws ArgumentError for options that do not fit the task. */
export function checkTask({ task, tokens, data, warmup, epochs, train, batch }: SymmetricOptions): void {
  const refuse = (argument: string, wanted: string, got: string): never => {
    throw new ArgumentError({ where: "study symmetric", argument, wanted, got });
  };
  // texts may give fewer windows, and so fewer steps
  const steps = epochs * Math.max(1, Math.floor(train / batch));
  if (warmup > 0 && warmup >= steps) refuse("--warmup", `fewer than the ${steps} steps`, String(warmup));
  if (task === "texts") return;
  if (tokens % 2 !== 0) refuse("--tokens", "an even number, for two equal halves", String(tokens));
  if (data !== undefined) refuse("--data", "none with --task repeats, which draws its sequences", data);
}

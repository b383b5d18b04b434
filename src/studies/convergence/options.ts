import {
  dataOption,
  HEADS,
  modelOptions,
  scalesSchema,
  splitOptions,
  STEPS,
  trainingOptions,
  WIDTH,
  type Scales,
} from "../options.js";
import { oneOf, setting, whole, type Values } from "../runner/options.js";
import { oneOf as among, optional } from "../runner/schema.js";

export const convergenceOptions = {
  scale: oneOf("quick", ["quick", "full"]),
  /** Part one: the single-layer model of the theory on a few texts. */
  guarantee: {
    /** N texts. */
    samples: whole(4, { least: 1, most: 64 }),
    /** n tokens of each. */
    tokens: whole(4, { least: 1, most: 64 }),
    /** D, the width of the token embeddings; H·D must reach N·n for the certificate. */
    width: whole(16, WIDTH),
    heads: whole(8, HEADS),
    // with these both kernels weight neither all keys equally nor one key alone, which conditions their matrices best
    scales: setting<Scales>({ query: 3.2, key: 3.2, value: 2, output: 2 }, scalesSchema),
    steps: whole(1000, { ...STEPS, help: "steps of gradient descent on the single layer" }),
  },
  /**
   * Part two: the encoder on the whole split. Width, hidden width, heads and layers are those of the text experiments
   * of arXiv 2411.07538.
   */
  learning: {
    ...modelOptions({ width: 64, hidden: 128, heads: 2, layers: 2 }),
    ...splitOptions({ tokens: 32, train: 896, test: 256, vocabulary: 4000 }),
    ...trainingOptions({ batch: 8, epochs: 2, learningRate: 2e-3 }),
    unit: setting<"words" | "bytes" | undefined>(undefined, optional(among(["words", "bytes"]))),
  },
  data: dataOption,
};

export type ConvergenceOptions = Values<typeof convergenceOptions>;

import { dataField, encoderFields, HEADS, splitFields, STEPS, WIDTH } from "../limits.js";
import { oneOf, optional, real, record, whole, type Fields } from "../runner/schema.js";
import type { TextSettings } from "../training/text-classifier.js";

/** Part one: the single-layer model of the theory on a few texts. */
export interface GuaranteeConfiguration {
  /** N texts. */
  readonly samples: number;
  /** n tokens of each. */
  readonly tokens: number;
  /** D, the width of the token embeddings; H·D must reach N·n for the certificate. */
  readonly width: number;
  readonly heads: number;
  /** Standard deviations of the initial weights, times 1/√(rows of the matrix). */
  readonly scales: { readonly query: number; readonly key: number; readonly value: number; readonly output: number };
  readonly steps: number;
}

export interface ConvergenceConfiguration {
  readonly scale: "quick" | "full";
  /** A file of the user's own; the SpamAssassin corpus where absent. */
  readonly data?: string;
  readonly guarantee: GuaranteeConfiguration;
  /** Part two: the encoder on the whole split. */
  readonly learning: TextSettings;
}

export const learningFields = { ...encoderFields, ...splitFields, unit: optional(oneOf(["words", "bytes"])) } as const satisfies Fields<TextSettings>;

const scale = real(-1000, 1000);

export const convergenceFields = {
  ...dataField,
  scale: oneOf(["quick", "full"]),
  guarantee: record({ samples: whole(1, 64), tokens: whole(1, 64), width: WIDTH, heads: HEADS, scales: record({ query: scale, key: scale, value: scale, output: scale }), steps: STEPS } satisfies Fields<GuaranteeConfiguration>),
  learning: record(learningFields),
} as const satisfies Fields<ConvergenceConfiguration>;

const guarantee: GuaranteeConfiguration = {
  samples: 4,
  tokens: 4,
  width: 16,
  heads: 8,
  // query and key scales leave both kernels between a flat row and a single key, where their matrices are best conditioned
  scales: { query: 3.2, key: 3.2, value: 2, output: 2 },
  steps: 1000,
};

/** Width, hidden width, heads and layers of the text experiments of arXiv 2411.07538. */
const encoder = { width: 64, hidden: 128, heads: 2, layers: 2 } as const;

/** Minutes on two cores without a GPU. */
export const quick: ConvergenceConfiguration = {
  scale: "quick",
  guarantee,
  learning: { ...encoder, tokens: 32, train: 896, test: 256, vocabulary: 4000, batch: 8, epochs: 2, learningRate: 2e-3 },
};

/** Every text, at a length where attention costs what it costs in the papers: for a hardware adapter. */
export const full: ConvergenceConfiguration = {
  scale: "full",
  guarantee: { ...guarantee, steps: 20_000 },
  learning: { ...encoder, tokens: 1024, train: 4800, test: 960, vocabulary: 20_000, batch: 32, epochs: 10, learningRate: 1e-3 },
};

import { ArgumentError } from "../core/errors.js";
import { whole } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import { sizeOf } from "../core/shape.js";
import type { AttentionKernel, HeadSizes } from "../kernels/kernel.js";
import { attentionKernel } from "../kernels/options.js";

/** Sizes of an encoder as in BERT and RoBERTa. */
export interface BertSizes {
  readonly vocabulary: number;
  /** The longest sequence. */
  readonly tokens: number;
  /** Position embeddings, including those that RoBERTa reserves for padding. */
  readonly positions: number;
  /** Segment embeddings. */
  readonly segments: number;
  readonly width: number;
  /** The inner width of the feed-forward layers. */
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
}

/** RoBERTa's vocabulary, positions (512 tokens and two positions for padding) and segments. */
const roberta = { vocabulary: 50_265, tokens: 512, positions: 514, segments: 1 } as const;

/** The sizes for which Courtois et al. (arXiv 2406.06366) publish parameter counts. */
export const bertSizes: Readonly<Record<"base" | "small", BertSizes>> = {
  base: { ...roberta, width: 768, hidden: 3072, layers: 12, heads: 12 },
  small: { ...roberta, width: 512, hidden: 2048, layers: 4, heads: 8 },
};

/** Trained parameters by component. */
export interface ParameterCount {
  readonly embeddings: number;
  /** Over all layers: projections with biases, and the kernel's parameters. */
  readonly attention: number;
  /** Over all layers: feed-forward and layer norms. */
  readonly rest: number;
  readonly pooler: number;
  readonly total: number;
}

const extent = needed(whole(1));
const sizeKinds: Kinds<BertSizes> = {
  vocabulary: extent,
  tokens: extent,
  positions: extent,
  segments: extent,
  width: extent,
  hidden: extent,
  layers: extent,
  heads: extent,
};

const linear = (from: number, to: number): number => from * to + to;
const norm = (width: number): number => 2 * width;

/** The number of query, key and value projections in a layer. */
const projectionCount = { separate: 3, shared: 2, values: 1 } as const;

/**
 * Counts the trained parameters of a BERT encoder of these `sizes` with any attention kernel: embeddings of words,
 * positions and segments with a norm; layers of attention and feed-forward with biases and a norm after each; a pooler.
 * The head that predicts masked tokens is not included.
 *
 * The kernel determines which projections and further tensors a layer has. Kernel numbers such as `scale` count as
 * fixed, which is the default of `multiHead`. Sources: Devlin et al., arXiv 1810.04805; for the shared projection of
 * queries and keys and the free matrix of every head, Courtois et al., arXiv 2406.06366.
 * @throws ArgumentError if the heads do not divide the width.
 * @example
 * const { total } = countBertParameters(symmetric(), bertSizes.base);
 */
export function countBertParameters(kernel: AttentionKernel, sizes: BertSizes): ParameterCount {
  checkArguments("countBertParameters", { kernel }, { kernel: attentionKernel });
  const { vocabulary, tokens, positions, segments, width, hidden, layers, heads } = checkOptions(
    "countBertParameters",
    sizes,
    sizeKinds,
    "sizes",
  );
  if (width % heads !== 0)
    throw new ArgumentError({
      where: "countBertParameters",
      argument: "heads",
      wanted: `a divisor of the width ${width}`,
      got: String(heads),
    });
  const { projections = "separate", inputs = [] } = kernel;
  const headSizes: HeadSizes = { batch: 1, heads, dim: width / heads, queries: tokens, keys: tokens };
  const learned = inputs.filter(({ fixed }) => !fixed).reduce((sum, { shape }) => sum + sizeOf(shape(headSizes)), 0);
  const embeddings = (vocabulary + positions + segments) * width + norm(width);
  const attention = layers * ((projectionCount[projections] + 1) * linear(width, width) + learned);
  const rest = layers * (linear(width, hidden) + linear(hidden, width) + 2 * norm(width));
  const pooler = linear(width, width);
  return { embeddings, attention, rest, pooler, total: embeddings + attention + rest + pooler };
}

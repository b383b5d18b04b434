import { add, embedding, gelu, layerNorm, matmul, mean } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import type { Indices } from "../core/indices.js";
import type { Random } from "../core/random.js";
import { formatShape } from "../core/shape.js";
import { isTensor, type Backend, type Tensor } from "../core/tensor.js";
import type { AttentionKernel } from "../kernels/kernel.js";
import { normal } from "./initialize.js";
import { multiHead, type MultiHeadParameters } from "./multi-head.js";

export interface EncoderOptions {
  readonly kernel: AttentionKernel;
  /** Distinct token ids; for tokens that are features, such as the pixels of a patch, their number. */
  readonly vocabulary: number;
  readonly classes: number;
  /** Tokens in every sequence. */
  readonly tokens: number;
  /** Default 64. */
  readonly width?: number;
  /** Width inside the feed-forward layers. Default 128. */
  readonly hidden?: number;
  /** Default 2. */
  readonly heads?: number;
  /** Default 2. */
  readonly layers?: number;
}

type Norm = { readonly scale: Tensor; readonly shift: Tensor };
type Linear = { readonly weight: Tensor; readonly bias: Tensor };

export type EncoderLayerParameters = {
  readonly attentionNorm: Norm;
  readonly attention: MultiHeadParameters;
  readonly feedForwardNorm: Norm;
  readonly expand: Linear;
  readonly contract: Linear;
};

export type EncoderParameters = {
  readonly embedding: Tensor;
  readonly positions: Tensor;
  readonly layers: readonly EncoderLayerParameters[];
  readonly norm: Norm;
  readonly classifier: Linear;
};

export interface Encoder {
  initialize(backend: Backend, random: Random): EncoderParameters;
  /** Ids [batch, tokens], or features [batch, tokens, vocabulary], give logits [batch, classes]. */
  apply(parameters: EncoderParameters, input: Indices | Tensor): Tensor;
}

/** Standard deviation of initial embeddings, as in BERT and GPT-2. */
const EMBEDDING_SCALE = 0.02;

const linear = (x: Tensor, { weight, bias }: Linear): Tensor => add(matmul(x, weight), bias);

/**
 * A transformer encoder that classifies sequences: token (or linear patch) and learned position embeddings, pre-norm blocks
 * x += attention(norm x), x += W₂ gelu(W₁ norm x), a last norm, the mean over tokens, a linear classifier.
 *
 * The defaults (two layers, width 64, hidden 128, two heads) are the size of the Long Range Arena experiments in
 * Skyformer (arXiv 2111.00035); linear patch embeddings are those of the vision transformer (Dosovitskiy et al., arXiv 2010.11929).
 */
export function encoder(options: EncoderOptions): Encoder {
  const { kernel, vocabulary, classes, tokens, width = 64, hidden = 128, heads = 2, layers = 2 } = options;
  const heart = multiHead({ kernel, width, heads, tokens });
  return {
    initialize(backend, random) {
      const norm = (): Norm => ({ scale: backend.full(1, [width]), shift: backend.full(0, [width]) });
      const dense = (rows: number, columns: number): Linear => ({
        weight: normal(backend, random, [rows, columns], 1 / Math.sqrt(rows)),
        bias: backend.full(0, [columns]),
      });
      return {
        embedding: normal(backend, random, [vocabulary, width], EMBEDDING_SCALE),
        positions: normal(backend, random, [tokens, width], EMBEDDING_SCALE),
        layers: Array.from({ length: layers }, () => ({
          attentionNorm: norm(),
          attention: heart.initialize(backend, random),
          feedForwardNorm: norm(),
          expand: dense(width, hidden),
          contract: dense(hidden, width),
        })),
        norm: norm(),
        classifier: dense(width, classes),
      };
    },
    apply(parameters, input) {
      const wanted = isTensor(input) ? [tokens, vocabulary] : [tokens];
      if (input.shape.length !== wanted.length + 1 || wanted.some((extent, axis) => extent !== input.shape[axis + 1])) {
        throw new ShapeError({ where: "encoder", argument: "input", wanted: `[batch, ${wanted.join(", ")}]`, got: formatShape(input.shape) });
      }
      const embedded = isTensor(input) ? matmul(input, parameters.embedding) : embedding(parameters.embedding, input);
      let x = add(embedded, parameters.positions);
      for (const layer of parameters.layers) {
        x = add(x, heart.apply(layer.attention, layerNorm(x, layer.attentionNorm)));
        x = add(x, linear(gelu(linear(layerNorm(x, layer.feedForwardNorm), layer.expand)), layer.contract));
      }
      return linear(mean(layerNorm(x, parameters.norm), 1), parameters.classifier);
    },
  };
}

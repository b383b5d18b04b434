import { add, embedding, gelu, layerNorm, matmul, mean, reshape } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { indicesKind, type Indices } from "../core/indices.js";
import { backend as backendKind, callable, generator, record, whole, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import { formatShape } from "../core/shape.js";
import { isTensor } from "../core/is-tensor.js";
import type { Backend, Tensor } from "../core/tensor.js";
import type { AttentionInputs, AttentionKernel, AttentionOptions } from "../kernels/kernel.js";
import { attentionKernel, attentionOptions } from "../kernels/options.js";
import { normal } from "./initialize.js";
import { multiHead, type MultiHeadParameters } from "./multi-head.js";
import type { NamedTensors } from "./split.js";
import { linear, type LinearParameters, type NormParameters } from "./linear.js";
import * as sizes from "./sizes.js";

/** Options of `encoder`. */
export interface EncoderOptions {
  readonly kernel: AttentionKernel;
  /** The number of token ids. If tokens are feature vectors, such as the pixels of a patch, their width. */
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

const encoderOptions: Kinds<EncoderOptions> = {
  kernel: needed(attentionKernel),
  vocabulary: needed(whole(1)),
  classes: needed(whole(1)),
  tokens: needed(whole(1)),
  width: sizes.width,
  hidden: whole(1),
  heads: sizes.heads,
  layers: sizes.layers,
};

/** Parameters of a layer of an encoder. */
export type EncoderLayerParameters = {
  readonly attentionNorm: NormParameters;
  readonly attention: MultiHeadParameters;
  readonly feedForwardNorm: NormParameters;
  readonly expand: LinearParameters;
  readonly contract: LinearParameters;
};

/** Parameters of an encoder. */
export type EncoderParameters = {
  readonly embedding: Tensor;
  readonly positions: Tensor;
  readonly layers: readonly EncoderLayerParameters[];
  readonly norm: NormParameters;
  readonly classifier: LinearParameters;
};

/** The inputs of a layer's attention, and the tokens [batch, n, width] that the layer returned. */
export interface EncoderLayer {
  readonly inputs: AttentionInputs;
  readonly tokens: Tensor;
}

/** Options of a call of an encoder. */
export interface EncoderCall extends Pick<AttentionOptions, "mask"> {
  /** Called with every layer in turn. */
  readonly observe?: (layer: EncoderLayer) => void;
}

const encoderCall: Kinds<EncoderCall> = { mask: attentionOptions.mask, observe: callable };

const sequences: Kind<Indices | Tensor> = {
  wanted: "indices or a tensor",
  holds: (value): value is Indices | Tensor => isTensor(value) || indicesKind.holds(value),
  fix: indicesKind.fix,
};

/** A transformer encoder, as `encoder` returns it. */
export interface Encoder {
  initialize(backend: Backend, random: Random): EncoderParameters;
  /** Ids [batch, tokens], or features [batch, tokens, vocabulary], give logits [batch, classes]. */
  apply(parameters: EncoderParameters, input: Indices | Tensor, call?: EncoderCall): Tensor;
  /** Logits [places, classes] of single tokens: place r·n + t is token t of sequence r. */
  tokenLogits(parameters: EncoderParameters, input: Indices | Tensor, places: Indices, call?: EncoderCall): Tensor;
}

/** Standard deviation of initial embeddings, as in BERT and GPT-2. */
const EMBEDDING_SCALE = 0.02;

/** The kernel's inputs that follow from the values of a layer and of the layer before. */
function betweenLayers({ inputs = [] }: AttentionKernel, values: Tensor, previous: Tensor | undefined): NamedTensors {
  return Object.fromEntries(
    inputs.flatMap(({ name, betweenLayers: rule }) => (rule === undefined ? [] : [[name, rule(values, previous)]])),
  );
}

/**
 * A transformer encoder that classifies sequences or single tokens.
 *
 * Token (or linear patch) and learned position embeddings; pre-norm blocks x += attention(norm x), x += W₂ gelu(W₁ norm
 * x); a final norm; the mean over tokens, or single tokens; a linear classifier. A kernel input that is passed between
 * layers, such as the metric of `elliptical`, is computed from the values of two layers.
 *
 * The defaults (two layers, width 64, hidden 128, two heads) are the size of the Long Range Arena experiments in
 * Skyformer (arXiv 2111.00035); linear patch embeddings are those of the vision transformer (Dosovitskiy et al., arXiv
 * 2010.11929).
 */
export function encoder(options: EncoderOptions): Encoder {
  const {
    kernel,
    vocabulary,
    classes,
    tokens,
    width = 64,
    hidden = 128,
    heads = 2,
    layers = 2,
  } = checkOptions("encoder", options, encoderOptions);
  const heart = multiHead({ kernel, width, heads, tokens });

  /** The tokens after the final norm. */
  function encode(parameters: EncoderParameters, input: Indices | Tensor, call: EncoderCall = {}): Tensor {
    checkArguments("encoder", { parameters, input }, { parameters: record, input: sequences });
    const { mask, observe } = checkOptions("encoder", call, encoderCall, "call");
    const wanted = isTensor(input) ? [tokens, vocabulary] : [tokens];
    if (input.shape.length !== wanted.length + 1 || wanted.some((extent, axis) => extent !== input.shape[axis + 1])) {
      throw new ShapeError({
        where: "encoder",
        argument: "input",
        wanted: `[batch, ${wanted.join(", ")}]`,
        got: formatShape(input.shape),
      });
    }
    const embedded = isTensor(input) ? matmul(input, parameters.embedding) : embedding(parameters.embedding, input);
    let x = add(embedded, parameters.positions);
    let values: Tensor | undefined;
    for (const layer of parameters.layers) {
      const own = heart.project(layer.attention, layerNorm(x, layer.attentionNorm));
      const inputs = { ...own, ...betweenLayers(kernel, own.v, values) };
      values = own.v;
      x = add(x, heart.attend(layer.attention, inputs, { mask }));
      x = add(x, linear(gelu(linear(layerNorm(x, layer.feedForwardNorm), layer.expand)), layer.contract));
      observe?.({ inputs, tokens: x });
    }
    return layerNorm(x, parameters.norm);
  }

  return {
    initialize(backend, random) {
      checkArguments("encoder.initialize", { backend, random }, { backend: backendKind, random: generator });
      const norm = (): NormParameters => ({ scale: backend.full(1, [width]), shift: backend.full(0, [width]) });
      const dense = (rows: number, columns: number): LinearParameters => ({
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
    apply: (parameters, input, call) => linear(mean(encode(parameters, input, call), 1), parameters.classifier),
    tokenLogits(parameters, input, places, call) {
      const rows = reshape(encode(parameters, input, call), [-1, width]);
      return linear(embedding(rows, places), parameters.classifier);
    },
  };
}

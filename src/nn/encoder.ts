import { add, embedding, matmul, mean, reshape } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { indicesKind, type Indices } from "../core/indices.js";
import { isTensor } from "../core/is-tensor.js";
import { backend as backendKind, callable, generator, record, whole, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import { formatShape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";
import type { AttentionKernel, AttentionOptions } from "../kernels/kernel.js";
import { attentionKernel, attentionOptions } from "../kernels/options.js";
import {
  blockOptions,
  blocks,
  dense,
  EMBEDDING_SCALE,
  randomKind,
  type BlockOptions,
  type StackParameters,
  type TrainingCall,
} from "./blocks.js";
import { normal } from "./initialize.js";
import { linear, type LinearParameters } from "./linear.js";

/** Options of `encoder`. */
export interface EncoderOptions extends BlockOptions {
  readonly kernel: AttentionKernel;
  /** The number of token ids. If tokens are feature vectors, such as the pixels of a patch, their width. */
  readonly vocabulary: number;
  readonly classes: number;
  /** Tokens in every sequence. */
  readonly tokens: number;
}

const encoderOptions: Kinds<EncoderOptions> = {
  kernel: needed(attentionKernel),
  vocabulary: needed(whole(1)),
  classes: needed(whole(1)),
  tokens: needed(whole(1)),
  ...blockOptions,
};

/** Parameters of an encoder. */
export type EncoderParameters = StackParameters & {
  readonly embedding: Tensor;
  readonly positions: Tensor;
  readonly classifier: LinearParameters;
};

/** Options of a call of an encoder. */
export interface EncoderCall extends Pick<AttentionOptions, "mask">, TrainingCall {}

const encoderCall: Kinds<EncoderCall> = { mask: attentionOptions.mask, observe: callable, ...randomKind };

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

/**
 * A transformer encoder that classifies sequences or single tokens.
 *
 * Token (or linear patch) and learned position embeddings; blocks x += attention(norm x), x += W₂ gelu(W₁ norm x), or
 * with norms after them; a final norm; the mean over tokens, or single tokens; a linear classifier. A kernel input that
 * is passed between layers, such as the metric of `elliptical`, is computed from the values of two layers.
 *
 * The defaults (two layers, width 64, hidden 128, two heads) are the size of the Long Range Arena experiments in
 * Skyformer (arXiv 2111.00035); linear patch embeddings are those of the vision transformer (Dosovitskiy et al., arXiv
 * 2010.11929).
 *
 * @throws ArgumentError for an unknown option or a width that the heads do not divide.
 * @example
 * const model = encoder({ kernel: softmax(), vocabulary: 1000, classes: 2, tokens: 64 });
 * const parameters = model.initialize(cpu, random(1));
 * const logits = model.apply(parameters, indices(ids, [batch, 64]));
 */
export function encoder(options: EncoderOptions): Encoder {
  const { kernel, vocabulary, classes, tokens, ...rest } = checkOptions("encoder", options, encoderOptions);
  const { width = 64 } = rest;
  const stack = blocks(kernel, tokens, rest);

  /** The tokens of the last layer. */
  function encode(parameters: EncoderParameters, input: Indices | Tensor, call: EncoderCall = {}): Tensor {
    checkArguments("encoder", { parameters, input }, { parameters: record, input: sequences });
    const { mask, ...own } = checkOptions("encoder", call, encoderCall, "call");
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
    return stack.run(
      parameters,
      add(embedded, parameters.positions),
      (_, attention, inputs) => stack.attention.attend(attention, inputs, { mask }),
      own,
    );
  }

  return {
    initialize(backend, random) {
      checkArguments("encoder.initialize", { backend, random }, { backend: backendKind, random: generator });
      return {
        embedding: normal(backend, random, [vocabulary, width], EMBEDDING_SCALE),
        positions: normal(backend, random, [tokens, width], EMBEDDING_SCALE),
        ...stack.initialize(backend, random),
        classifier: dense(backend, random, width, classes),
      };
    },
    apply: (parameters, input, call) => linear(mean(encode(parameters, input, call), 1), parameters.classifier),
    tokenLogits(parameters, input, places, call) {
      const rows = reshape(encode(parameters, input, call), [-1, width]);
      return linear(embedding(rows, places), parameters.classifier);
    },
  };
}

import { add, embedding, matmul, mean, reshape } from "../autograd/ops.js";
import { ShapeError } from "../core/errors.js";
import { indicesKind, type Indices } from "../core/indices.js";
import { isTensor } from "../core/is-tensor.js";
import { backend as backendKind, generator, record, whole, type Kind } from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import { formatShape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { initialLinear, linear, type LinearParameters } from "./linear.js";
import {
  transformer,
  transformerCall,
  transformerOptions,
  type TransformerCall,
  type TransformerOptions,
  type TransformerParameters,
} from "./transformer.js";

/** Options of `encoder`. */
export interface EncoderOptions extends TransformerOptions {
  readonly classes: number;
}

const encoderOptions: Kinds<EncoderOptions> = { ...transformerOptions, classes: needed(whole(1)) };

/** Parameters of an encoder. */
export type EncoderParameters = TransformerParameters & { readonly classifier: LinearParameters };

const sequences: Kind<Indices | Tensor> = {
  wanted: "indices or a tensor",
  holds: (value): value is Indices | Tensor => isTensor(value) || indicesKind.holds(value),
  fix: indicesKind.fix,
};

/** A transformer encoder, as `encoder` returns it. */
export interface Encoder {
  initialize(backend: Backend, random: Random): EncoderParameters;
  /** Ids [batch, tokens], or features [batch, tokens, vocabulary], give logits [batch, classes]. */
  apply(parameters: EncoderParameters, input: Indices | Tensor, call?: TransformerCall): Tensor;
  /** Logits [places, classes] of single tokens: place r·n + t is token t of sequence r. */
  tokenLogits(parameters: EncoderParameters, input: Indices | Tensor, places: Indices, call?: TransformerCall): Tensor;
}

/**
 * A transformer encoder that classifies sequences or single tokens.
 *
 * Token (or linear patch) and learned position embeddings; blocks x += attention(norm x), x += W₂ gelu(W₁ norm x),
 * or with norms after them; a final norm; the mean over tokens, or single tokens; a linear classifier. A kernel input
 * that is passed between layers, such as the metric of `elliptical`, is computed from the values of two layers.
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
  const { classes, ...shared } = checkOptions("encoder", options, encoderOptions);
  const { vocabulary, tokens } = shared;
  const stack = transformer(shared);

  /** The tokens of the last layer. */
  function encode(parameters: EncoderParameters, input: Indices | Tensor, call: TransformerCall = {}): Tensor {
    checkArguments("encoder", { parameters, input }, { parameters: record, input: sequences });
    const { mask, ...own } = checkOptions("encoder", call, transformerCall, "call");
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
      { ...own, mask },
    );
  }

  return {
    initialize(backend, random) {
      checkArguments("encoder.initialize", { backend, random }, { backend: backendKind, random: generator });
      return {
        ...stack.initialize(backend, random),
        classifier: initialLinear(backend, random, stack.width, classes),
      };
    },
    apply: (parameters, input, call) => linear(mean(encode(parameters, input, call), 1), parameters.classifier),
    tokenLogits(parameters, input, places, call) {
      const rows = reshape(encode(parameters, input, call), [-1, stack.width]);
      return linear(embedding(rows, places), parameters.classifier);
    },
  };
}

import { add, embedding, reshape, slice } from "../autograd/ops.js";
import { indicesKind, type Indices } from "../core/indices.js";
import { ShapeError } from "../core/errors.js";
import { backend as backendKind, generator, record } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Random } from "../core/random.js";
import { formatShape } from "../core/shape.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { decode, keyValueCache } from "../kernels/decode.js";
import { and, causal } from "../kernels/mask.js";
import { checkCached, checkCausal, continueText, type GenerateOptions } from "./generate.js";
import { initialLinear, linear, type LinearParameters } from "./linear.js";
import {
  transformer,
  transformerCall,
  transformerOptions,
  type Attend,
  type TransformerCall,
  type TransformerOptions,
  type TransformerParameters,
} from "./transformer.js";

/** Parameters of a decoder. */
export type DecoderParameters = TransformerParameters & { readonly head: LinearParameters };

/** A causal transformer, as `decoder` returns it. */
export interface Decoder {
  initialize(backend: Backend, random: Random): DecoderParameters;
  /**
   * Ids [batch, n], n ≤ tokens, give logits [batch, n, vocabulary] of the tokens that follow. A mask holds beside the
   * causal one.
   */
  apply(parameters: DecoderParameters, ids: Indices, call?: TransformerCall): Tensor;
  /**
   * The tokens that continue a prompt, one by one. A cache keeps the keys and values of earlier tokens, so that each
   * token costs one row. Leaving the loop frees the cache.
   */
  generate(parameters: DecoderParameters, prompt: ArrayLike<number>, options?: GenerateOptions): AsyncGenerator<number>;
}

/**
 * A causal transformer that predicts the next token: a language model.
 *
 * Token and learned position embeddings, blocks as in `encoder` under a causal mask, a final norm, and a linear head
 * over the vocabulary. Source: Radford et al., "Language models are unsupervised multitask learners", 2019.
 *
 * Any kernel that takes masks serves. A kernel with parameters for positions takes sequences of exactly `tokens` in
 * `apply`. `relu`, and `sigmoid` by default, depend on the number of keys, which is `tokens` in `generate`.
 *
 * @throws ArgumentError for an unknown option, a width that the heads do not divide, or a kernel that would see later
 * tokens, such as `elliptical` unless it is causal.
 * @example
 * const model = decoder({ kernel: softmax(), vocabulary: 256, tokens: 128 });
 * const parameters = model.initialize(gpu, random(1));
 * await trainStep(adam({ learningRate: 1e-3 }), parameters, (p) => ops.crossEntropy(model.apply(p, ids), next));
 * for await (const id of model.generate(parameters, prompt, { count: 100, random: random(2) })) write(id);
 */
export function decoder(options: TransformerOptions): Decoder {
  const { heads = 2, ...rest } = checkOptions("decoder", options, transformerOptions);
  const { kernel, vocabulary, tokens } = rest;
  const stack = transformer({ heads, ...rest });
  const { width } = stack;
  checkCausal("decoder", kernel);

  /** The tokens of the last layer; the first of them is at `place`. */
  function run(parameters: DecoderParameters, ids: Indices, place: number, how: Attend, call: TransformerCall): Tensor {
    const positions = slice(parameters.positions, 0, place, ids.shape[1]);
    return stack.run(parameters, add(embedding(parameters.embedding, ids), positions), how, call);
  }

  return {
    initialize(backend, random) {
      checkArguments("decoder.initialize", { backend, random }, { backend: backendKind, random: generator });
      return {
        ...stack.initialize(backend, random),
        head: initialLinear(backend, random, width, vocabulary),
      };
    },
    apply(parameters, ids, call = {}) {
      checkArguments("decoder.apply", { parameters, ids }, { parameters: record, ids: indicesKind });
      const { mask, ...own } = checkOptions("decoder.apply", call, transformerCall, "call");
      if (ids.shape.length !== 2 || ids.shape[1] < 1 || ids.shape[1] > tokens) {
        throw new ShapeError({
          where: "decoder.apply",
          argument: "ids",
          wanted: `[batch, n] with n from 1 to ${tokens}`,
          got: formatShape(ids.shape),
        });
      }
      const masks = mask === undefined ? causal() : and(causal(), mask);
      const how: Attend = (_, attention, inputs) => stack.attention.attend(attention, inputs, { mask: masks });
      return linear(run(parameters, ids, 0, how, { ...own, mask: masks }), parameters.head);
    },
    generate(parameters, prompt, options) {
      checkCached("decoder.generate", kernel);
      checkArguments("decoder.generate", { parameters }, { parameters: record });
      const sizes = { batch: 1, kvHeads: heads, capacity: tokens, dim: width / heads };
      return continueText(
        "decoder.generate",
        {
          vocabulary,
          tokens,
          caches: () => parameters.layers.map(() => keyValueCache(parameters.embedding.backend, kernel, sizes)),
          next: (ids, place, caches) =>
            parameters.embedding.backend.scope(() => {
              const how: Attend = (layer, attention, inputs) =>
                stack.attention.combine(attention, decode(caches[layer], inputs));
              const rows = reshape(run(parameters, ids, place, how, {}), [-1, width]);
              return linear(slice(rows, 0, rows.shape[0] - 1, 1), parameters.head);
            }),
        },
        prompt,
        options,
      );
    },
  };
}

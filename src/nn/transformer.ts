import { add, dropout, gelu, layerNorm } from "../autograd/ops.js";
import { callable, flag, generator, oneOf, share, whole } from "../core/kinds.js";
import { needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import type { Backend, Tensor } from "../core/tensor.js";
import type { AttentionInputs, AttentionKernel, AttentionOptions } from "../kernels/kernel.js";
import { attentionKernel, attentionOptions } from "../kernels/options.js";
import { normal } from "./initialize.js";
import { initialLinear, initialNorm, linear, type LinearParameters, type NormParameters } from "./linear.js";
import { multiHead, type AttentionTrace, type MultiHead, type MultiHeadParameters } from "./multi-head.js";
import * as sizes from "./sizes.js";
import type { NamedTensors } from "./split.js";

/** Options that an encoder and a decoder share. */
export interface TransformerOptions {
  readonly kernel: AttentionKernel;
  /**
   * The number of token ids. If an encoder's tokens are feature vectors, such as the pixels of a patch, their width.
   */
  readonly vocabulary: number;
  /** Positions: the tokens of a sequence, for a decoder the most. */
  readonly tokens: number;
  /** Default 64. */
  readonly width?: number;
  /** Width inside the feed-forward layers. Default 128. */
  readonly hidden?: number;
  /** Default 2. */
  readonly heads?: number;
  /** Default 2. */
  readonly layers?: number;
  /**
   * Where layers normalise: "pre", x + f(norm x), with a norm of the last layer's tokens; or "post",
   * norm(x + f(x)), with a norm of the embeddings, as in BERT. Default "pre".
   */
  readonly norm?: "pre" | "post";
  /** Adds a bias to the projections of attention. Default false. */
  readonly bias?: boolean;
  /**
   * The share of embeddings, and of the outputs of attention and feed-forward layers, that a call with `random` drops.
   * Default 0.
   */
  readonly dropout?: number;
}

export const transformerOptions: Kinds<TransformerOptions> = {
  kernel: needed(attentionKernel),
  vocabulary: needed(whole(1)),
  tokens: needed(whole(1)),
  width: sizes.width,
  hidden: whole(1),
  heads: sizes.heads,
  layers: sizes.layers,
  norm: oneOf("pre", "post"),
  bias: flag,
  dropout: share,
};

/** Parameters of a layer of an encoder or a decoder. */
export type LayerParameters = {
  readonly attentionNorm: NormParameters;
  readonly attention: MultiHeadParameters;
  readonly feedForwardNorm: NormParameters;
  readonly expand: LinearParameters;
  readonly contract: LinearParameters;
};

/** Parameters that an encoder and a decoder share. `norm` is that of the last tokens ("pre") or embeddings ("post"). */
export type TransformerParameters = {
  /** [vocabulary, width] */
  readonly embedding: Tensor;
  /** [tokens, width] */
  readonly positions: Tensor;
  readonly layers: readonly LayerParameters[];
  readonly norm: NormParameters;
};

/** What a layer with attention read, computed and returned. */
export interface LayerTrace extends AttentionTrace {
  /** [batch, n, width]: the tokens that the projections read, after the norm in layers with norms first. */
  readonly entering: Tensor;
  /** [batch, n, width]: the tokens that the layer returned. */
  readonly tokens: Tensor;
}

/** Options of a call of an encoder or a decoder. */
export interface TransformerCall extends Pick<AttentionOptions, "mask"> {
  /** Draws what dropout drops, in training. Default: nothing is dropped. */
  readonly random?: Random;
  /** Called with every layer in turn. */
  readonly observe?: (layer: LayerTrace) => void;
}

export const transformerCall: Kinds<TransformerCall> = {
  mask: attentionOptions.mask,
  random: generator,
  observe: callable,
};

/** Standard deviation of initial embeddings, as in BERT and GPT-2. */
const EMBEDDING_SCALE = 0.02;

/** Seeds of dropout are below this. */
const SEEDS = 2 ** 32;

/** The kernel's inputs that follow from the values of a layer and of the layer before. */
function betweenLayers({ inputs = [] }: AttentionKernel, values: Tensor, previous: Tensor | undefined): NamedTensors {
  return Object.fromEntries(
    inputs.flatMap(({ name, betweenLayers: rule }) => (rule === undefined ? [] : [[name, rule(values, previous)]])),
  );
}

/** How the heads of a layer attend: the output [batch, n, width]. */
export type Attend = (layer: number, attention: MultiHeadParameters, inputs: AttentionInputs) => Tensor;

/** What every layer has. */
interface Layer {
  readonly attentionNorm: unknown;
  readonly attention: MultiHeadParameters;
  readonly feedForwardNorm: unknown;
}

/** What the layers of models differ in. */
export interface LayerRules<Own extends Layer> {
  readonly norm: "pre" | "post";
  /** The attention of a layer, counted from 0. */
  readonly attention: (layer: number) => Pick<MultiHead, "kernel" | "project">;
  readonly normalize: (x: Tensor, norm: Own["attentionNorm"] | Own["feedForwardNorm"]) => Tensor;
  readonly feedForward: (x: Tensor, layer: Own) => Tensor;
  /** Drops a share of what a layer adds to its tokens. Default: nothing. */
  readonly drop?: (x: Tensor) => Tensor;
}

/** Layers of attention and feed-forward networks on x [batch, n, width]. The mask of `call` is that of `attend`. */
export function runLayers<Own extends Layer>(
  layers: readonly Own[],
  x: Tensor,
  attend: Attend,
  { norm, attention, normalize, feedForward, drop = (added) => added }: LayerRules<Own>,
  { observe, mask }: Pick<TransformerCall, "observe" | "mask">,
): Tensor {
  const isPre = norm === "pre";
  let values: Tensor | undefined;
  layers.forEach((layer, at) => {
    const { kernel, project } = attention(at);
    const entering = isPre ? normalize(x, layer.attentionNorm) : x;
    const own = project(layer.attention, entering);
    const inputs = { ...own, ...betweenLayers(kernel, own.v, values) };
    values = own.v;
    const stream = x;
    const attended = attend(at, layer.attention, inputs);
    const added = add(x, drop(attended));
    x = isPre ? added : normalize(added, layer.attentionNorm);
    const fed = add(x, drop(feedForward(isPre ? normalize(x, layer.feedForwardNorm) : x, layer)));
    x = isPre ? fed : normalize(fed, layer.feedForwardNorm);
    observe?.({
      kernel,
      parameters: layer.attention,
      inputs,
      options: { mask },
      entering,
      stream,
      attended,
      tokens: x,
    });
  });
  return x;
}

/** What an encoder and a decoder share. */
export interface Transformer {
  readonly attention: MultiHead;
  readonly width: number;
  initialize(backend: Backend, random: Random): TransformerParameters;
  /** Embedded tokens [batch, n, width] give those of the last layer. The mask of `call` is that of `attend`. */
  run(parameters: TransformerParameters, embedded: Tensor, attend: Attend, call: TransformerCall): Tensor;
}

/** Embeddings and layers of attention and feed-forward networks. */
export function transformer(options: TransformerOptions): Transformer {
  const { kernel, vocabulary, tokens, bias } = options;
  const { width = 64, hidden = 128, heads = 2, layers = 2, norm = "pre", dropout: rate = 0 } = options;
  const heart = multiHead({ kernel, width, heads, tokens, bias });

  return {
    attention: heart,
    width,
    initialize(backend, random) {
      return {
        embedding: normal(backend, random, [vocabulary, width], EMBEDDING_SCALE),
        positions: normal(backend, random, [tokens, width], EMBEDDING_SCALE),
        layers: Array.from({ length: layers }, () => ({
          attentionNorm: initialNorm(backend, width),
          attention: heart.initialize(backend, random),
          feedForwardNorm: initialNorm(backend, width),
          expand: initialLinear(backend, random, width, hidden),
          contract: initialLinear(backend, random, hidden, width),
        })),
        norm: initialNorm(backend, width),
      };
    },
    run(parameters, embedded, attend, call) {
      const { random } = call;
      const drop = (x: Tensor): Tensor =>
        rate === 0 || random === undefined ? x : dropout(x, { rate, seed: random.integer(SEEDS) });
      const rules: LayerRules<LayerParameters> = {
        norm,
        attention: () => heart,
        normalize: layerNorm,
        feedForward: (x, { expand, contract }) => linear(gelu(linear(x, expand)), contract),
        drop,
      };
      const first = drop(norm === "pre" ? embedded : layerNorm(embedded, parameters.norm));
      const last = runLayers(parameters.layers, first, attend, rules, call);
      return norm === "pre" ? layerNorm(last, parameters.norm) : last;
    },
  };
}

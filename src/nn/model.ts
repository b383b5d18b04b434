import { reshape, slice } from "../autograd/ops.js";
import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { indicesKind, type Indices } from "../core/indices.js";
import { callable, generator, having, listOf, text, whole } from "../core/kinds.js";
import { checkArguments, checkOptions, type Kinds } from "../core/options.js";
import { random as randomOf, type Random } from "../core/random.js";
import type { ParameterTree, Tensor } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import { decode, keyValueCache, type KeyValueCache } from "../kernels/decode.js";
import type { AttentionInputs, AttentionKernel } from "../kernels/kernel.js";
import { and, causal } from "../kernels/mask.js";
import { attentionKernel } from "../kernels/options.js";
import { checkCached, checkCausal, continueText, type GenerateOptions } from "./generate.js";
import {
  embed,
  feedForward,
  normalize,
  runHead,
  type LayerParts,
  type ModelDesign,
  type ModelParts,
} from "./model-parts.js";
import { multiHead, type MultiHead } from "./multi-head.js";
import { rotate, rotaryTables } from "./rotary.js";
import type { NamedTensors } from "./split.js";
import { runLayers, transformerCall, type Attend, type TransformerCall } from "./transformer.js";
import { cloneTree } from "./trees.js";

/** Tensors of a model by their place in it, such as layers[0].attention.query. */
export type ModelParameters = { readonly [name: string]: ParameterTree };

/** Options of a call of a model. */
export interface ModelCall extends Pick<TransformerCall, "mask" | "observe"> {
  /** Token types [batch, n], such as the sentence of a pair, for a model that has them. Default all 0. */
  readonly types?: Indices;
  /**
   * Replaces the outputs [batch, heads, n, d] of the heads of a layer, counted from 0, before their projection: to
   * freeze or to remove heads.
   */
  readonly replaceHeads?: (layer: number, inputs: AttentionInputs, output: Tensor) => Tensor;
}

const { mask: maskOption, observe: observeOption } = transformerCall;
const modelCall: Kinds<ModelCall> = {
  mask: maskOption,
  observe: observeOption,
  types: indicesKind,
  replaceHeads: callable,
};

/** Options of `withKernel`. */
export interface WithKernelOptions {
  /** The layers that get the kernel, counted from 0. Default all. */
  readonly layers?: readonly number[];
  /** Kernel numbers to train, such as "gamma", with one value per head. Default none. */
  readonly learn?: readonly string[];
  /** The number of tokens, special ones included, for a kernel whose parameters depend on it. */
  readonly tokens?: number;
  /** Draws what the kernel learns. Default random(1). */
  readonly random?: Random;
}

const withKernelOptions: Kinds<WithKernelOptions> = {
  layers: listOf(whole(0)),
  learn: listOf(text),
  tokens: whole(1),
  random: generator,
};

/** A transformer with its tensors, as `loadTransformer` returns it. */
export interface TransformerModel {
  readonly design: ModelDesign;
  /** The kernel of every layer. */
  readonly kernels: readonly AttentionKernel[];
  readonly parameters: ModelParameters;
  /** Tokens [batch, n, width] of the last layer, special ones first, after the model's last norm. */
  encode(parameters: ModelParameters, input: Indices | Tensor, call?: ModelCall): Tensor;
  /**
   * What the head gives: logits [batch, classes], or [batch, n, classes] of each token; without a head, tokens as
   * `encode`. Input: ids [batch, n], pixels [batch, channels, height, width], or vectors [batch, n, width], by model.
   */
  apply(parameters: ModelParameters, input: Indices | Tensor, call?: ModelCall): Tensor;
  /** The tokens that continue a prompt, one by one, with a cache, for a causal model. */
  generate(parameters: ModelParameters, prompt: ArrayLike<number>, options?: GenerateOptions): AsyncGenerator<number>;
  /**
   * The same model with another kernel. Its parameters start as a copy of this model's, and get what the kernel learns;
   * projections that the kernel has no use for are left out.
   */
  withKernel(kernel: AttentionKernel, options?: WithKernelOptions): TransformerModel;
}

/** The parameters of a model. */
export const parameterTree = having<ModelParameters>("the parameters of a model, model.parameters", ["layers"]);

const PROJECTIONS = ["query", "key", "value", "output"];
const isProjection = (name: string): boolean => PROJECTIONS.includes(name.replace(/Bias$/, ""));

/** The projections that a kernel uses. */
function usedBy({ projections = "separate" }: AttentionKernel, own: NamedTensors): NamedTensors {
  const unused = { separate: [], shared: ["key"], values: ["query", "key"] }[projections] as readonly string[];
  const kept = Object.entries(own).filter(
    ([name]) => isProjection(name) && !unused.includes(name.replace(/Bias$/, "")),
  );
  const used = Object.fromEntries(kept);
  const lacking = PROJECTIONS.find((name) => !unused.includes(name) && !(name in used));
  if (lacking === undefined) return used;
  throw new ArgumentError({
    where: "model.withKernel",
    argument: "kernel",
    wanted: `one that needs no ${lacking} projection, which an earlier kernel had no use for`,
    got: projections,
    fix: "Start from the model as it was loaded.",
  });
}

/** A model of these tensors whose layers have these kernels. */
export function transformerModel(
  design: ModelDesign,
  parameters: ModelParameters,
  hearts: readonly MultiHead[],
): TransformerModel {
  const { isCausal, frequencies, dim, kvHeads } = design;
  const kernels = hearts.map(({ kernel }) => kernel);
  if (isCausal) for (const kernel of kernels) checkCausal("model.withKernel", kernel);
  const partsOf = (given: ModelParameters): ModelParts => given as unknown as ModelParts;

  /** The tokens of the last layer; the first of the input is at `place`. */
  function run(
    parts: ModelParts,
    input: Indices | Tensor,
    place: number,
    { mask, observe, types, replaceHeads = (_layer, _inputs, output) => output }: ModelCall,
    caches?: readonly KeyValueCache[],
  ): Tensor {
    const x = embed(design, parts, input, place, types);
    const tables = frequencies && rotaryTables(x.backend, frequencies, place, x.shape[1]);
    const attend: Attend = (layer, own, inputs) => {
      const output = caches === undefined ? attention(kernels[layer], inputs, { mask }) : decode(caches[layer], inputs);
      return hearts[layer].combine(own, replaceHeads(layer, inputs, output));
    };
    const last = runLayers(
      parts.layers,
      x,
      attend,
      {
        norm: design.norm,
        attention: (layer) => ({
          kernel: kernels[layer],
          project(own, tokens) {
            const inputs = hearts[layer].project(own, tokens);
            const { queryNorm, keyNorm } = parts.layers[layer];
            const placed = (x: Tensor, norm: LayerParts["queryNorm"]): Tensor => {
              const normed = norm === undefined ? x : normalize(design, x, norm);
              return tables === undefined ? normed : rotate(normed, tables);
            };
            return { ...inputs, q: placed(inputs.q, queryNorm), k: placed(inputs.k, keyNorm) };
          },
        }),
        normalize: (tokens, norm) => normalize(design, tokens, norm),
        feedForward: (tokens, layer) => feedForward(design, tokens, layer),
      },
      { observe, mask },
    );
    return parts.norm === undefined ? last : normalize(design, last, parts.norm);
  }

  const encode: TransformerModel["encode"] = (given, input, call = {}) => {
    checkArguments("model", { parameters: given }, { parameters: parameterTree });
    const { mask, ...rest } = checkOptions("model", call, modelCall, "call");
    const masks = isCausal ? (mask === undefined ? causal() : and(causal(), mask)) : mask;
    return run(partsOf(given), input, 0, { ...rest, mask: masks });
  };

  return {
    design,
    kernels,
    parameters,
    encode,
    apply: (given, input, call) => runHead(design, partsOf(given), encode(given, input, call)),
    generate(given, prompt, options) {
      checkArguments("model.generate", { parameters: given }, { parameters: parameterTree });
      const parts = partsOf(given);
      const table = parts.embedding;
      if (!isCausal || table === undefined) {
        throw new UnsupportedError({
          where: "model.generate",
          wanted: "a causal model of ids",
          got: "one that reads whole inputs",
          fix: "Call apply.",
        });
      }
      for (const kernel of kernels) checkCached("model.generate", kernel);
      const { backend } = table;
      return continueText(
        "model.generate",
        {
          vocabulary: table.shape[0],
          tokens: design.tokens,
          caches: (capacity) =>
            kernels.map((kernel) => keyValueCache(backend, kernel, { batch: 1, kvHeads, capacity, dim })),
          next: (ids, place, caches) =>
            backend.scope(() => {
              const rows = reshape(run(parts, ids, place, {}, caches), [-1, design.width]);
              return runHead(design, parts, slice(rows, 0, rows.shape[0] - 1, 1));
            }),
        },
        prompt,
        options,
      );
    },
    withKernel(kernel, options = {}) {
      const where = "model.withKernel";
      checkArguments(where, { kernel }, { kernel: attentionKernel });
      const { layers, random = randomOf(1), ...rest } = checkOptions(where, options, withKernelOptions);
      const wrong = layers?.find((layer) => layer >= kernels.length);
      if (wrong !== undefined) {
        throw new ArgumentError({
          where,
          argument: "layers",
          wanted: `numbers from 0 to ${kernels.length - 1}`,
          got: String(wrong),
        });
      }
      const isChanged = (layer: number): boolean => layers === undefined || layers.includes(layer);
      const fresh = multiHead({ kernel, ...headSizes(design), ...rest });
      const changed = partsOf(parameters).layers.map((layer, at) => {
        if (!isChanged(at)) return layer;
        const { backend } = layer.attention.value;
        const learned = backend.scope(() => {
          const made = Object.entries(fresh.initialize(backend, random));
          return Object.fromEntries(made.filter(([name]) => !isProjection(name)));
        });
        return { ...layer, attention: { ...usedBy(kernel, layer.attention), ...learned } };
      });
      return transformerModel(
        design,
        cloneTree({ ...parameters, layers: changed } as unknown as ModelParameters),
        hearts.map((heart, at) => (isChanged(at) ? fresh : heart)),
      );
    },
  };
}

/** The sizes of the attention of a model's layers. */
export const headSizes = ({
  width,
  heads,
  kvHeads,
  dim,
}: ModelDesign): Pick<ModelDesign, "width" | "heads" | "kvHeads" | "dim"> => ({
  width,
  heads,
  kvHeads,
  dim,
});

import { affineOfHeads, affineToHeads } from "../autograd/matmul.js";
import { permute, reshape } from "../autograd/ops.js";
import { ArgumentError } from "../core/errors.js";
import {
  backend as backendKind,
  callable,
  flag,
  generator,
  listOf,
  record,
  tensor,
  text,
  whole,
} from "../core/kinds.js";
import { checkArguments, checkOptions, needed, type Kinds } from "../core/options.js";
import type { Random } from "../core/random.js";
import type { Backend, Tensor } from "../core/tensor.js";
import { attention } from "../kernels/attention.js";
import type { AttentionInputs, AttentionKernel, AttentionOptions, HeadSizes } from "../kernels/kernel.js";
import { attentionKernel, attentionOptions } from "../kernels/options.js";
import { normal } from "./initialize.js";
import type { NamedTensors } from "./split.js";
import * as sizes from "./sizes.js";

/** Options of `multiHead`. */
export interface MultiHeadOptions {
  readonly kernel: AttentionKernel;
  /** Width of the tokens, in and out. */
  readonly width: number;
  readonly heads: number;
  /** Heads of keys and values. Each serves heads / kvHeads query heads. Default `heads`. */
  readonly kvHeads?: number;
  /** d, the width of a head. Default width / heads. */
  readonly dim?: number;
  /** Width of the tokens that keys and values are projected from, in cross-attention. Default `width`. */
  readonly contextWidth?: number;
  /** n and m, for a kernel whose parameters depend on them; m defaults to n. */
  readonly tokens?: number;
  readonly contextTokens?: number;
  /** Adds a bias to each projection, as in BERT. Default false. */
  readonly bias?: boolean;
  /** Kernel numbers to train, such as "gamma", with one value per head. Default none. */
  readonly learn?: readonly string[];
}

const multiHeadOptions: Kinds<MultiHeadOptions> = {
  kernel: needed(attentionKernel),
  width: needed(sizes.width),
  heads: needed(sizes.heads),
  kvHeads: whole(1),
  dim: whole(1),
  contextWidth: whole(1),
  tokens: whole(1),
  contextTokens: whole(1),
  bias: flag,
  learn: listOf(text),
};

/**
 * Projections query [width, heads·d], key and value [contextWidth, kvHeads·d], output [heads·d, width], and the
 * kernel's parameters under their own names. Head h has the d columns from h·d on (rows of the output). A kernel
 * that shares one projection between queries and keys has no `key`; a kernel that depends on positions alone has
 * neither `query` nor `key`. With `bias`, each projection has one: queryBias, keyBias, valueBias and outputBias.
 */
export type MultiHeadParameters = NamedTensors;

/** Options of a call of `multiHead`. */
export interface MultiHeadCall extends AttentionOptions {
  /** [batch, m, contextWidth]: the tokens that keys and values are projected from. Default x. */
  readonly context?: Tensor;
  /** Kernel tensors that no layer owns, such as the metric of `elliptical`. */
  readonly inputs?: NamedTensors;
  /** Called with what the layer read and computed. */
  readonly observe?: (layer: AttentionTrace) => void;
}

const callOptions: Kinds<MultiHeadCall> = { ...attentionOptions, context: tensor, inputs: record, observe: callable };

/** What the attention of a layer read and computed. */
export interface AttentionTrace {
  readonly kernel: AttentionKernel;
  readonly parameters: MultiHeadParameters;
  readonly inputs: AttentionInputs;
  readonly options: AttentionOptions;
  /** [batch, n, width]: the tokens before the layer, to which a transformer adds `attended`. */
  readonly stream: Tensor;
  /** [batch, n, width]: the output of attention, before dropout, residual and norm. */
  readonly attended: Tensor;
}

/** Attention in heads with its projections, as `multiHead` returns it. */
export interface MultiHead {
  readonly kernel: AttentionKernel;
  initialize(backend: Backend, random: Random): MultiHeadParameters;
  /** The inputs of attention for x [batch, n, width]: q, k, v [batch, heads, n, d] and the kernel's parameters. */
  project(parameters: MultiHeadParameters, x: Tensor, context?: Tensor): AttentionInputs;
  /** The output projection of heads [batch, heads, n, d]: [batch, n, width]. */
  combine(parameters: MultiHeadParameters, heads: Tensor): Tensor;
  /** Attention over these inputs, and the output projection: [batch, n, width]. */
  attend(parameters: MultiHeadParameters, inputs: AttentionInputs, options?: AttentionOptions): Tensor;
  /** Both in one: x [batch, n, width] gives [batch, n, width]. */
  apply(parameters: MultiHeadParameters, x: Tensor, call?: MultiHeadCall): Tensor;
}

/**
 * Multi-head self- and cross-attention with any kernel: concat_h(attention(x W^Q_h, c W^K_h, c W^V_h)) W^O, c = x in
 * self-attention.
 *
 * The layer owns the projections and the kernel's parameters. Some kernels share one projection between queries and
 * keys. Source: Vaswani et al., arXiv 1706.03762.
 *
 * @example
 * const layer = multiHead({ kernel: softmax(), width: 64, heads: 4 });
 * const parameters = layer.initialize(gpu, random(1));
 * const y = layer.apply(parameters, x, { mask: causal() }); // x and y [batch, n, 64]
 */
export function multiHead(options: MultiHeadOptions): MultiHead {
  const {
    kernel,
    width,
    heads,
    kvHeads = heads,
    dim = width / heads,
    contextWidth = width,
    tokens,
    contextTokens = tokens,
    bias = false,
    learn = [],
  } = checkOptions("multiHead", options, multiHeadOptions);
  if (!Number.isInteger(dim)) {
    throw new ArgumentError({
      where: "multiHead",
      argument: "heads",
      wanted: `a divisor of the width ${width}`,
      got: String(heads),
    });
  }
  const { projections = "separate" } = kernel;
  const headsWidth = heads * dim;
  const needed = (argument: string, count: number | undefined): number => {
    if (count !== undefined) return count;
    throw new ArgumentError({
      where: "multiHead",
      argument,
      wanted: `the number of tokens, which ${kernel.name} asks for`,
      got: "nothing",
    });
  };
  const sizes: HeadSizes = {
    batch: 1,
    heads,
    dim,
    get queries() {
      return needed("tokens", tokens);
    },
    get keys() {
      return needed("contextTokens", contextTokens);
    },
  };
  const known = "parameters" in kernel ? kernel.parameters : [];
  const stranger = learn.find((name) => !known.some((parameter) => parameter.name === name));
  if (stranger !== undefined) {
    const names = known.map(({ name }) => name).join(", ");
    throw new ArgumentError({
      where: "multiHead",
      argument: "learn",
      wanted: `numbers of ${kernel.name} (${names || "it has none"})`,
      got: stranger,
    });
  }
  if (projections === "shared" && (kvHeads !== heads || contextWidth !== width)) {
    throw new ArgumentError({
      where: "multiHead",
      argument: kvHeads === heads ? "contextWidth" : "kvHeads",
      wanted: `that of the queries, as ${kernel.name} shares their projection with the keys`,
      got: String(kvHeads === heads ? contextWidth : kvHeads),
    });
  }
  const split = (x: Tensor): Tensor => permute(reshape(x, [x.shape[0], x.shape[1], heads, dim]), [0, 2, 1, 3]);

  function own(backend: Backend, random: Random): NamedTensors {
    const inputs = (kernel.inputs ?? []).flatMap((input) => {
      if (input.fixed) return [];
      const shape = input.shape(sizes);
      return [
        [
          input.name,
          input.initial === undefined ? backend.full(0, shape) : backend.tensor(input.initial(shape, random), shape),
        ],
      ];
    });
    const numbers = known.flatMap(({ name, initial }) =>
      learn.includes(name) ? [[name, backend.full(initial(sizes), [heads])]] : [],
    );
    return Object.fromEntries([...inputs, ...numbers]) as NamedTensors;
  }

  const biases = (backend: Backend): NamedTensors => {
    const zeros = (columns: number): Tensor => backend.full(0, [columns]);
    return {
      ...(projections === "values" ? {} : { queryBias: zeros(headsWidth) }),
      ...(projections === "separate" ? { keyBias: zeros(kvHeads * dim) } : {}),
      valueBias: zeros(kvHeads * dim),
      outputBias: zeros(width),
    };
  };

  const biasOf = (parameters: MultiHeadParameters, name: string): Tensor | null => parameters[`${name}Bias`] ?? null;
  const projected = (parameters: MultiHeadParameters, name: string, x: Tensor, count: number): Tensor =>
    affineToHeads(x, parameters[name], biasOf(parameters, name), [count, dim]);
  const project: MultiHead["project"] = (parameters, x, context = x) => {
    const learned = Object.entries(parameters).filter(([name]) => !/^(query|key|value|output)(Bias)?$/.test(name));
    const v = projected(parameters, "value", context, kvHeads);
    const q = projections === "values" ? split(x) : projected(parameters, "query", x, heads);
    const k = {
      values: () => v,
      separate: () => projected(parameters, "key", context, kvHeads),
      shared: () => (context === x ? q : projected(parameters, "query", context, heads)),
    };
    return { ...Object.fromEntries(learned), q, k: k[projections](), v };
  };
  const combine: MultiHead["combine"] = (parameters, mixed) =>
    affineOfHeads(mixed, parameters["output"], biasOf(parameters, "output"));
  const attend: MultiHead["attend"] = (parameters, inputs, options = {}) =>
    combine(parameters, attention(kernel, inputs, options));

  return {
    kernel,
    initialize(backend, random) {
      checkArguments("multiHead.initialize", { backend, random }, { backend: backendKind, random: generator });
      const matrix = (rows: number, columns: number): Tensor =>
        normal(backend, random, [rows, columns], 1 / Math.sqrt(rows));
      const kvWidth = kvHeads * dim;
      return {
        ...(projections === "values" ? {} : { query: matrix(width, headsWidth) }),
        ...(projections === "separate" ? { key: matrix(contextWidth, kvWidth) } : {}),
        value: matrix(contextWidth, kvWidth),
        output: matrix(headsWidth, width),
        ...own(backend, random),
        ...(bias ? biases(backend) : {}),
      };
    },
    project,
    combine,
    attend,
    apply(parameters, x, call = {}) {
      checkArguments("multiHead.apply", { parameters, x }, { parameters: record, x: tensor });
      const { context, inputs, observe, ...options } = checkOptions("multiHead.apply", call, callOptions, "call");
      const given = { ...project(parameters, x, context), ...inputs };
      const attended = attend(parameters, given, options);
      observe?.({ kernel, parameters, inputs: given, options, stream: x, attended });
      return attended;
    },
  };
}

import type { Random } from "../core/random.js";
import type { Shape } from "../core/shape.js";
import type { Tensor } from "../core/tensor.js";
import type { Bias } from "./bias.js";
import type { Mask } from "./mask.js";

/** A shader file: its path below `shaders/`, for messages, and its text. */
export interface Shader {
  readonly file: string;
  readonly text: string;
  /** WGSL extensions that it needs, for the `enable` directives at the top of the program. */
  readonly enables?: readonly ("f16" | "subgroups" | "chromium_experimental_subgroup_matrix")[];
}

/** The quantities of a query and a key that a score may depend on. */
export interface Pair {
  /** Σ_c of the kernel's pair product: q·k unless the kernel has one of its own. */
  product: number;
  /** ‖q‖² */
  queryNorm: number;
  /** ‖k‖² */
  keyNorm: number;
  /**
   * ‖q-k‖², computed from differences, so that it does not lose digits as queryNorm + keyNorm - 2 product would.
   */
  distance: number;
}

/** Partial derivatives of a score, written by `Formula.partials`. */
export interface Partials {
  product: number;
  queryNorm: number;
  keyNorm: number;
  /** One for each of the kernel's parameters, in their order. */
  readonly parameters: Float64Array;
}

/** The pair product of one component, and its derivatives by the query's and by the key's. */
export interface Component {
  of(query: number, key: number): number;
  byQuery(query: number, key: number): number;
  byKey(query: number, key: number): number;
}

/**
 * A kernel's mathematics in float64: the score s of a pair and its partial derivatives, and for normalisers other than
 * softmax the weight φ(s) and its derivative. Its shaders hold the same functions in WGSL.
 */
export interface Formula {
  /** What a pair's product sums over the components. Default: query · key. */
  readonly component?: Component;
  score(pair: Pair, parameters: Float64Array): number;
  /**
   * Writes ∂s/∂product, ∂s/∂queryNorm, ∂s/∂keyNorm (distance expanded into these three) and
   * ∂s/∂parameters.
   */
  partials(pair: Pair, parameters: Float64Array, into: Partials): void;
  weight(score: number): number;
  /** φ'(s), given w = φ(s). */
  weightDerivative(score: number, weight: number): number;
}

/**
 * What divides the weights of a row: `softmax`, their sum, computed through the log-sum-exp (the weight is then e^s);
 * `sum`, their plain sum; `count`, the number of keys; `none`, nothing.
 */
export type Normalizer = "softmax" | "sum" | "count" | "none";

/** The sizes that a kernel's defaults may depend on. */
export interface HeadSizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  /** d */
  readonly dim: number;
}

/** Bounds on a weight w(z) and its derivatives: |w|, ‖∇w‖ and ‖∇²w‖. */
export interface WeightBounds {
  readonly weight: number;
  readonly slope: number;
  readonly curvature: number;
}

/**
 * Bounds on the derivatives of a kernel's weights by q and k, for all q and k, at given parameters.
 *
 * `difference`: the weight is w(q - k), divided by nothing, with |w| ≤ `weight`, ‖∇w‖ ≤ `slope` and
 * ‖∇²w‖ ≤ `curvature`. `within`, if known, gives the bounds where ‖q - k‖ differs from `distance` by at
 * most `reach`.
 *
 * `query`: the weights of a row are e^s over their sum, where s = `slope`·(q·k) plus terms of q alone and of k alone.
 * `keys` says what is known of the term of k: `product` that there is none, `difference` that it is
 * -`slope`/2‖k‖².
 */
export type DerivativeBounds =
  | ({
      readonly of: "difference";
      readonly within?: (distance: number, reach: number) => WeightBounds;
    } & WeightBounds)
  | { readonly of: "query"; readonly slope: number; readonly keys?: "product" | "difference" };

/** A number, or one number a head, that a score uses. */
export interface KernelParameter {
  /** Its name beside q, k and v. */
  readonly name: string;
  /** Its value when no tensor is passed. */
  readonly initial: (sizes: HeadSizes) => number;
}

/** A further tensor that a kernel needs beside q, k and v. */
export interface KernelInput {
  /** Its name beside q, k and v. */
  readonly name: string;
  /** The shape it must have, with what the extents stand for in an error message. */
  readonly shape: (sizes: HeadSizes) => Shape;
  /** Set where no gradient flows through it. */
  readonly fixed?: true;
  /**
   * Computes the tensor in a layer of a stack from the values [batch, heads, n, d] of that layer and of the layer
   * before; the first layer has none before. No layer owns such a tensor.
   */
  readonly betweenLayers?: (values: Tensor, previous: Tensor | undefined) => Tensor;
  /** The part of the tensor for the `count` queries from `first` on. Default: the whole tensor. */
  readonly forQueries?: (tensor: Tensor, first: number, count: number) => Tensor;
  /** Initial numbers for a layer that owns the tensor, row-major. Default zeros. */
  readonly initial?: (shape: Shape, random: Random) => ArrayLike<number>;
}

/**
 * What a layer projects its tokens to: queries, keys and values each by a matrix of its own, queries and keys by one,
 * or values alone where queries and keys have no part in the weights.
 */
export type Projections = "separate" | "shared" | "values";

/** Queries, keys and values, and under its own name every tensor that the kernel takes or learns. */
export interface AttentionInputs {
  /** [batch, heads, n, d] */
  readonly q: Tensor;
  /** [batch, kvHeads, m, d]; heads must be a multiple of kvHeads */
  readonly k: Tensor;
  /** [batch, kvHeads, m, dv] */
  readonly v: Tensor;
  readonly [learned: string]: Tensor;
}

/** Options of `attention`. */
export interface AttentionOptions {
  /**
   * Which pairs may see each other: causal(), slidingWindow(w), lengths(...), booleanMask(...), and(...), or(...).
   * Default all.
   */
  readonly mask?: Mask;
  /**
   * Added to the scores, after the softcap: [batch or 1, heads or 1, n or 1, m or 1], or relativeBias(...) or
   * alibi(...). It gets a gradient.
   */
  readonly bias?: Bias;
  /** Bends scores to softcap·tanh(s / softcap). */
  readonly softcap?: number;
}

/** What every kernel says of itself. */
export interface KernelBase {
  readonly name: string;
  /** Tensors that must, or may, be passed beside q, k and v. */
  readonly inputs?: readonly KernelInput[];
  /** d must be a multiple of this. Default 1. */
  readonly widthMultiple?: number;
  /** Default "separate". */
  readonly projections?: Projections;
  /** What depends on positions alone: the weights α, so that the output is α v, or the bias, [1, heads, n, m]. */
  readonly ofPositions?: "weights" | "bias";
}

/** What a kernel's `prepare` and bias may depend on. */
export interface KernelSurroundings {
  readonly softcap?: number;
  /** Whether a number for every pair is modest, and a bias may hold it. */
  readonly affordsBias: boolean;
  /** Whether pairs may be hidden. */
  readonly isMasked: boolean;
}

/** A kernel that runs as tiled passes: a similarity, a weight function and a normaliser. */
export interface TiledKernel extends KernelBase {
  readonly normalizer: Normalizer;
  /** At most four. */
  readonly parameters: readonly KernelParameter[];
  readonly formula: Formula;
  /** Bounds on the derivatives, for kernels whose bounds are known. Without them the convergence theory samples. */
  readonly derivativeBounds?: (parameters: Float64Array) => DerivativeBounds;
  /**
   * Whether the weights depend on q - k alone, through norms and inner product. A common point can then be subtracted
   * from both.
   */
  readonly ofDifferences?: true;
  /** WGSL functions, linked into every pass: pair product, score, weight and their derivatives. */
  readonly shaders: readonly Shader[];
  /** A differentiable change of q, k and v before the passes, such as a metric. */
  readonly prepare?: (
    inputs: AttentionInputs,
    surroundings: KernelSurroundings,
  ) => Pick<AttentionInputs, "q" | "k" | "v">;
  /** A bias of the kernel's own, from its inputs; it is added after the softcap. */
  readonly bias?: (inputs: AttentionInputs, surroundings: KernelSurroundings) => Bias | undefined;
}

/** A kernel that is a composition of other operations. */
export interface ComposedKernel extends KernelBase {
  /** The options that have a meaning for it. Default none. */
  readonly options?: readonly (keyof AttentionOptions)[];
  readonly compose: (inputs: AttentionInputs, options: AttentionOptions) => Tensor;
}

/** A kernel of attention, as its factory returns it. */
export type AttentionKernel = TiledKernel | ComposedKernel;

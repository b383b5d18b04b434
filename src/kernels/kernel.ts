/** A shader file: its path below `shaders/`, for messages, and its text. */
export interface Shader {
  readonly file: string;
  readonly text: string;
  /** WGSL extensions that it needs, for the `enable` directives at the top of the program. */
  readonly enables?: readonly GPUFeatureName[];
}

/** What one query and one key have in common, as far as a score may look. */
export interface Pair {
  /** q·k */
  product: number;
  /** ‖q‖² */
  queryNorm: number;
  /** ‖k‖² */
  keyNorm: number;
  /** ‖q-k‖², taken from differences: it loses no digits where queryNorm + keyNorm - 2 product would. */
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

/**
 * A kernel's mathematics in float64: the score s of a pair and its partial derivatives, and for normalisers other than
 * softmax the weight φ(s) and its derivative. Its shader holds the same functions in WGSL.
 */
export interface Formula {
  score(pair: Pair, parameters: Float64Array): number;
  /** Writes ∂s/∂product, ∂s/∂queryNorm, ∂s/∂keyNorm (distance expanded into these three) and ∂s/∂parameters. */
  partials(pair: Pair, parameters: Float64Array, into: Partials): void;
  weight(score: number): number;
  /** φ'(s), given w = φ(s). */
  weightDerivative(score: number, weight: number): number;
}

/**
 * What divides the weights of a row: `softmax`, their sum, computed through the log-sum-exp (the weight is then e^s);
 * `sum`, their plain sum; `none`, nothing.
 */
export type Normalizer = "softmax" | "sum" | "none";

/** A number, or one number a head, that the kernel may learn. */
export interface KernelParameter {
  /** Its name beside q, k and v. */
  readonly name: string;
  /** Its value when no tensor is passed, for head width `dim`. */
  readonly initial: (dim: number) => number;
}

/** An attention kernel: a similarity, a weight function and a normaliser. */
export interface AttentionKernel {
  readonly name: string;
  readonly normalizer: Normalizer;
  /** At most four. */
  readonly parameters: readonly KernelParameter[];
  readonly formula: Formula;
  /** WGSL functions, linked into every pass: pair product, score, weight and their derivatives. */
  readonly shaders: readonly Shader[];
}

import type { Activation } from "../nn/activations.js";
import type { Branch, ModelDesign } from "../nn/model-parts.js";

/**
 * Names of the tensors of a layer, "#" for its number. A linear layer or norm "x" has the tensors x.weight and x.bias,
 * "x*" has x followed by weight and bias, and "w|b" names both. Of several the first that a file has counts.
 */
export type Names = string | readonly string[];

/** The names of the facts that a model's tensors do not tell, as an option of `loadTransformer` has them. */
export interface Facts {
  readonly heads: number;
  readonly epsilon: number;
  readonly activation: Activation;
  readonly norm: "pre" | "post";
  /** The base of rotary frequencies. */
  readonly theta: number;
  /** The most positions, where no table tells. */
  readonly tokens: number;
  /** The row of padding, after which the positions of RoBERTa begin. */
  readonly padding: number;
}

/** Where a fact is: under a name of config.json, or in the architecture itself. */
export type FactSource<Value> = string | { readonly is: Value };

/** A layer of a head. */
export interface HeadLayer {
  readonly linear?: Names;
  readonly norm?: Names;
  /** "activation" is that of the feed-forward layers. */
  readonly then?: Activation | "tanh" | "activation";
  /** Takes the weights of the embedding where the file has none. */
  readonly tied?: true;
}

/** What a model can be asked for. */
export interface Head {
  readonly name: string;
  /** The end of the name of the architecture in config.json. */
  readonly architecture?: string;
  readonly branches: readonly { readonly of: Branch["of"]; readonly steps: readonly HeadLayer[] }[];
}

/**
 * How a family of models names its tensors and what it computes. Roles are paths in the parameters of a model: "#" is
 * the layer's number, "?" at the end marks a role that may be missing, "@pre" one of models with that norm alone, and
 * "query+key+value" three in one tensor.
 */
export interface Family {
  readonly name: string;
  /** Names, below the prefix of the model, that tell the family. The first is one of every layer. */
  readonly marks: readonly string[];
  /** Its names of model_type in config.json. */
  readonly types: readonly string[];
  /** What the names of the model begin with and those of its head do not. */
  readonly body?: readonly string[];
  readonly linears: Readonly<Record<string, Names>>;
  readonly norms: Readonly<Record<string, Names>>;
  readonly tables: Readonly<Record<string, Names>>;
  /** Whether linear layers are stored as [in, out], for x W, rather than [out, in]. */
  readonly columns?: true;
  /** Whether "query+key+value" may have fewer rows of keys and values. The output then says those of queries. */
  readonly grouped?: true;
  /** Whether layers may lack biases. */
  readonly biasOptional?: true;
  /** Tensors below the prefix that a model does not compute with. */
  readonly ignored?: RegExp;
  /** Whether tensors outside the layers may be anything. */
  readonly isPart?: true;
  readonly heads: readonly Head[];
  /** Whether the output takes the weights of the embedding unless config.json says otherwise. */
  readonly tied?: true;
  readonly facts: { readonly [Name in keyof Facts]?: FactSource<Facts[Name]> };
  readonly normalization: ModelDesign["normalization"];
  readonly isCausal?: true;
  /** Values of config.json of which others compute something else. Missing ones have the first value. */
  readonly only?: Readonly<Record<string, readonly unknown[]>>;
}

import { ArgumentError, UnsupportedError } from "../core/errors.js";
import { isRecord } from "../core/kinds.js";
import { showJson } from "../core/json.js";
import type { Activation } from "../nn/activations.js";
import type { Facts, Family, FactSource } from "./family.js";

export const WHERE = "loadTransformer";

/** The content of a model's config.json, and facts under their own names, which count before it. */
export interface TransformerConfig {
  readonly heads?: number;
  /** ε of the norms. */
  readonly epsilon?: number;
  readonly activation?: string;
  /** Whether norms stand before ("pre") or after ("post") attention and feed-forward layers. */
  readonly norm?: "pre" | "post";
  /** The base of rotary frequencies. */
  readonly theta?: number;
  /** The most positions, where no table of positions tells. */
  readonly tokens?: number;
  /** The id of padding, for RoBERTa. */
  readonly padding?: number;
  /** The head to take, where a file has several. */
  readonly head?: string;
  /** The prefix of the model's names, where a file has several models. */
  readonly prefix?: string;
  readonly [name: string]: unknown;
}

/** Activations by their names in config.json. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_python: "gelu",
  "gelu tanh": "gelu tanh",
  gelu_new: "gelu tanh",
  gelu_fast: "gelu tanh",
  gelu_pytorch_tanh: "gelu tanh",
  quick_gelu: "quick gelu",
  "quick gelu": "quick gelu",
  relu: "relu",
  silu: "silu",
  swish: "silu",
};

interface Rule<Value> {
  readonly wanted: string;
  /** Undefined for a value that cannot be the fact. */
  readonly read: (value: unknown) => Value | undefined;
  /** For the error. */
  readonly example: string;
}

const number = (wanted: string, example: string, holds: (value: number) => boolean): Rule<number> => ({
  wanted,
  example,
  read: (value) => (typeof value === "number" && holds(value) ? value : undefined),
});
const whole = (example: string, least = 1): Rule<number> =>
  number(`a whole number of at least ${least}`, example, (value) => Number.isInteger(value) && value >= least);

const rules: { readonly [Name in keyof Facts]: Rule<Facts[Name]> } = {
  heads: whole("12"),
  epsilon: number("a number from 0 to below 1", "1e-6", (value) => value >= 0 && value < 1),
  activation: {
    wanted: Object.keys(ACTIVATIONS).join(", "),
    example: '"gelu"',
    read: (value) => (typeof value === "string" && Object.hasOwn(ACTIVATIONS, value) ? ACTIVATIONS[value] : undefined),
  },
  norm: {
    wanted: '"pre" or "post"',
    example: '"pre"',
    read: (value) =>
      value === true || value === "pre" ? "pre" : value === false || value === "post" ? "post" : undefined,
  },
  theta: number("a number above 0", "10000", (value) => Number.isFinite(value) && value > 0),
  tokens: whole("2048"),
  padding: whole("1", 0),
};

/** The value of a fact, undefined where the configuration has none. */
function factOf<Name extends keyof Facts>(
  name: Name,
  source: FactSource<Facts[Name]>,
  config: TransformerConfig,
): Facts[Name] | undefined {
  const nested = isRecord(config.rope_parameters) ? config.rope_parameters : {};
  const key = [name, ...(typeof source === "string" ? [source] : [])].find(
    (key) => (config[key] ?? nested[key]) != null,
  );
  if (key === undefined) return typeof source === "string" ? undefined : source.is;
  const given = config[key] ?? nested[key];
  const value = rules[name].read(given);
  if (value !== undefined) return value;
  throw new ArgumentError({
    where: WHERE,
    argument: `config.${key}`,
    wanted: rules[name].wanted,
    got: showJson(given),
  });
}

/**
 * The facts that the tensors of a model do not tell.
 *
 * @throws ArgumentError for a fact that is missing or impossible. UnsupportedError for a fact of a computation that the
 * library does not have.
 */
export function readFacts(family: Family, config: TransformerConfig): Partial<Facts> {
  for (const [name, allowed] of Object.entries(family.only ?? {})) {
    const [outer, inner] = name.split(".");
    const branch = config[outer];
    const given = inner === undefined ? branch : isRecord(branch) ? branch[inner] : undefined;
    if (given === undefined || allowed.includes(given)) continue;
    throw new UnsupportedError({
      where: WHERE,
      argument: `config.${name}`,
      wanted: allowed.map(showJson).join(" or "),
      got: showJson(given),
    });
  }
  const entries = Object.entries(family.facts) as [keyof Facts, FactSource<never>][];
  const facts = entries.map(([name, source]) => [name, factOf(name, source, config)] as const);
  const missing = facts.flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length === 0) return Object.fromEntries(facts);
  const known = entries.flatMap(([name, source]) =>
    missing.includes(name) && typeof source === "string" && source !== name ? [source] : [],
  );
  throw new ArgumentError({
    where: WHERE,
    argument: "config",
    wanted: `${missing.join(", ")} of ${family.name}, which its tensors do not tell`,
    got: "none",
    fix:
      (known.length === 0 ? "" : `Pass the content of config.json (${known.join(", ")}), or the facts `) +
      (known.length === 0 ? "Pass them " : "") +
      `themselves, such as { ${missing.map((name) => `${name}: ${rules[name].example}`).join(", ")} }.`,
  });
}

import { ArgumentError, DataError } from "../core/errors.js";
import { checkArguments } from "../core/options.js";
import { formatShape } from "../core/shape.js";
import { showJson } from "../core/json.js";
import { attentionKind } from "./projections.js";
import type { AttentionWeights } from "./attention-weights.js";

/** Heads of one layer. */
export interface LayerHeads {
  readonly heads: number;
  /** Heads of keys and values; fewer than `heads` if groups of heads share them. */
  readonly keyHeads: number;
}

/** The heads of every layer and how their number was determined. */
export interface HeadCount {
  readonly layers: readonly LayerHeads[];
  readonly source: "given" | "configuration" | "file";
}

interface Entry {
  readonly name: string;
  /** The stacks that it is about, by their prefix. */
  readonly of?: RegExp;
}

/** Names of the number of heads in config.json. */
const COUNTS: readonly Entry[] = [
  { name: "encoder_attention_heads", of: /encoder/ },
  { name: "decoder_attention_heads", of: /decoder/ },
  { name: "num_attention_heads" },
  { name: "num_heads" },
  { name: "n_heads" },
  { name: "n_head" },
];
/** Parts of config.json about one of several models. */
const SECTIONS: readonly Entry[] = [
  { name: "text_config", of: /text|language/ },
  { name: "vision_config", of: /vision|visual/ },
  { name: "audio_config", of: /audio/ },
];

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value of the first entry that a configuration has for a stack. */
function entryOf(configuration: unknown, entries: readonly Entry[], prefix: string): unknown {
  if (!isObject(configuration)) return undefined;
  const own = entries.find(
    ({ name, of }) => Object.hasOwn(configuration, name) && (of === undefined || of.test(prefix)),
  );
  return own === undefined ? undefined : configuration[own.name];
}

/** Heads of every layer by the configuration; a list there has one for each stage. */
function configured(attention: AttentionWeights, configuration: unknown): readonly unknown[] | undefined {
  const { prefix, layers } = attention;
  const about = entryOf(configuration, SECTIONS, prefix) ?? configuration;
  const count = entryOf(about, COUNTS, prefix);
  if (count === undefined || count === null) return undefined;
  if (!Array.isArray(count)) return layers.map(() => count);
  const stages = [...new Set(layers.map(({ label }) => label.split(".")[0]))];
  return layers.map(({ label }) => (count as unknown[])[stages.indexOf(label.split(".")[0])]);
}

/** Heads of every layer by the file; a layer that does not say has those of one as wide. */
function stated({ layers }: AttentionWeights): readonly number[] | undefined {
  const counts = layers.map(
    ({ heads, query }) =>
      heads ?? layers.find((other) => other.heads !== undefined && other.query.rows === query.rows)?.heads,
  );
  return counts.every((count) => count !== undefined) ? counts : undefined;
}

/**
 * The number of heads of every layer: the given one, else what the file says (one matrix per head, a bias for each, the
 * graph of an ONNX model), else that of `configuration`, the content of the model's config.json.
 *
 * @param attention what `findAttention` gave
 * @param given the number of heads of every layer
 * @param configuration the content of config.json
 * @throws ArgumentError if nobody says the number, or for a given number that does not divide the width of the heads or
 * is not that of the file. DataError for such a number in the configuration.
 */
export function countHeads(attention: AttentionWeights, given?: number, configuration?: unknown): HeadCount {
  checkArguments("countHeads", { attention }, { attention: attentionKind });
  const { layers } = attention;
  const file = stated(attention);
  const source = given !== undefined ? "given" : file !== undefined ? "file" : "configuration";
  const counts = given !== undefined ? layers.map(() => given) : (file ?? configured(attention, configuration));
  const { rows, columns } = layers[0].query;
  if (counts === undefined)
    throw new ArgumentError({
      where: "countHeads",
      argument: "heads",
      wanted: `the number of heads of layers whose W_q is ${formatShape([rows, columns])}`,
      got: "none, neither as an argument nor from the file or a config.json beside it",
      fix: "Give the number of heads; the model's documentation or its config.json (num_attention_heads) has it.",
    });
  const keysOf = (config: unknown): unknown => (isObject(config) ? config["num_key_value_heads"] : undefined);
  const grouped = keysOf(entryOf(configuration, SECTIONS, attention.prefix) ?? configuration);
  return {
    source,
    layers: layers.map(({ label, query, key, heads: own }, at) => {
      const heads = counts[at];
      const dim = query.rows / (heads as number);
      const fail = (wanted: string, got: string): Error => {
        const complaint = { where: "countHeads", argument: "heads", wanted: `${wanted} in layer ${label}`, got };
        return source === "given" ? new ArgumentError(complaint) : new DataError(complaint);
      };
      const shown = `${showJson(heads)} (${source})`;
      if (typeof heads !== "number" || !Number.isInteger(heads) || heads < 1 || !Number.isInteger(dim))
        throw fail(`a divisor of ${query.rows}, the width of all heads,`, shown);
      if (own !== undefined && own !== heads) throw fail(`${own} heads, as the file has`, shown);
      const keyHeads = key.rows / dim;
      if (!Number.isInteger(keyHeads) || heads % keyHeads !== 0)
        throw fail(`a number of heads that divides the ${key.rows} rows of the keys into groups`, shown);
      if (source === "configuration" && typeof grouped === "number" && grouped !== keyHeads)
        throw fail(`${keyHeads} heads of keys, as many as fit their ${key.rows} rows,`, `${grouped} (${source})`);
      return { heads, keyHeads };
    }),
  };
}

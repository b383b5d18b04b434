import { having } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { ArgumentError, DataError } from "../core/errors.js";
import type { StoredTensor } from "./safetensors-header.js";
import type { StoredTensors } from "./safetensors.js";
import { formatShape } from "../core/shape.js";
import { columnsOf, rowsOf } from "../numerics/rows.js";

/** The projections of one attention layer: W_q, W_k, W_v and W_o. */
export type Projection = "query" | "key" | "value" | "output";

/** The names and sizes of the attention projections in a file. */
export interface AttentionWeights {
  /** The prefix of the encoder's names, such as "bert.". */
  readonly prefix: string;
  /** D, the width of the tokens. */
  readonly width: number;
  /** The total width of all heads. */
  readonly headsWidth: number;
  /** Whether projections are stored as [width, headsWidth], for x W, rather than [headsWidth, width], for x Wᵀ. */
  readonly transposed: boolean;
  /** The names of the tensors of each layer. */
  readonly layers: readonly Readonly<Record<Projection, string>>[];
}

interface Layout {
  readonly pattern: RegExp;
  readonly transposed: boolean;
  readonly projection: Readonly<Record<string, Projection>>;
}

const layouts: readonly Layout[] = [
  // BERT and RoBERTa: attention.self.query; ViT and DeiT: attention.attention.query; all: attention.output.dense
  {
    pattern:
      /^((?:.*\.)?encoder\.layer\.)(\d{1,5})\.attention\.((?:self|attention)\.(?:query|key|value)|output\.dense)\.weight$/,
    transposed: false,
    projection: {
      "self.query": "query",
      "self.key": "key",
      "self.value": "value",
      "attention.query": "query",
      "attention.key": "key",
      "attention.value": "value",
      "output.dense": "output",
    },
  },
  // this library's `encoder`
  {
    pattern: /^((?:.*\.)?layers\.)(\d{1,5})\.attention\.(query|key|value|output)$/,
    transposed: true,
    projection: { query: "query", key: "key", value: "value", output: "output" },
  },
];

interface Found {
  readonly layout: Layout;
  readonly layers: Map<number, Partial<Record<Projection, string>>>;
}

function complain(wanted: string, got: string, fix?: string): DataError {
  return new DataError({ where: "findAttention", argument: "tensors", wanted, got, fix });
}

/** Projections by the part of their name before the layer number. */
function collect(names: Iterable<string>): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const name of names) {
    for (const layout of layouts) {
      const match = layout.pattern.exec(name);
      if (match === null) continue;
      const [, prefix, layer, kind] = match;
      const own: Found = found.get(prefix) ?? { layout, layers: new Map() };
      found.set(prefix, own);
      const names: Partial<Record<Projection, string>> = own.layers.get(Number(layer)) ?? {};
      names[layout.projection[kind]] = name;
      own.layers.set(Number(layer), names);
    }
  }
  return found;
}

function choose(
  found: ReadonlyMap<string, Found>,
  prefix: string | undefined,
  names: readonly string[],
): readonly [string, Found] {
  const known = [...found.keys()].map((name) => name.replace(/(encoder\.layer|layers)\.$/, ""));
  const chosen = [...found].filter((_, at) => prefix === undefined || known[at] === prefix);
  if (chosen.length === 1) return chosen[0];
  if (found.size === 0) {
    throw complain(
      "attention layers named as in BERT, RoBERTa, ViT or DeiT " +
        "(encoder.layer.0.attention.self.query.weight), or as in this library (layers.0.attention.query)",
      names.length === 0
        ? "no tensors"
        : `tensors such as ${names
            .slice(0, 4)
            .map((name) => JSON.stringify(name))
            .join(", ")}`,
    );
  }
  throw new ArgumentError({
    where: "findAttention",
    argument: "prefix",
    wanted: `one of ${known.map((name) => JSON.stringify(name)).join(", ")}`,
    got: prefix === undefined ? "none, with several encoders in the file" : JSON.stringify(prefix),
  });
}

/**
 * Finds the projections of attention layers that are named as in BERT, RoBERTa, ViT and DeiT (Hugging Face) or in this
 * library's `encoder`.
 *
 * @param tensors those of an opened file, `weights.tensors`
 * @param prefix of the names of the encoder, such as "bert."; needed if a file has several
 * @throws DataError if there are none, one is missing or shapes do not match. ArgumentError if the file has several
 * encoders and `prefix` selects none.
 */
export function findAttention(tensors: ReadonlyMap<string, StoredTensor>, prefix?: string): AttentionWeights {
  checkArguments(
    "findAttention",
    { tensors },
    { tensors: having<typeof tensors>("the tensors of an opened file, weights.tensors", ["get", "keys", "has"]) },
  );
  const [stem, { layout, layers }] = choose(collect(tensors.keys()), prefix, [...tensors.keys()]);
  const complete = Array.from({ length: layers.size }, (_, layer) => {
    const { query, key, value, output } = layers.get(layer) ?? {};
    if (query !== undefined && key !== undefined && value !== undefined && output !== undefined)
      return { query, key, value, output };
    const missing = Object.entries({ query, key, value, output }).flatMap(([name, there]) =>
      there === undefined ? [name] : [],
    );
    throw complain(
      `query, key, value and output of layer ${layer} of ${layers.size} under ${JSON.stringify(stem)}`,
      `no ${missing.join(", ")}`,
    );
  });
  const across = layout.transposed ? [1, 0] : [0, 1];
  const shapeOf = (name: string): readonly number[] => tensors.get(name)?.shape ?? [];
  const first = shapeOf(complete[0].query);
  const [headsWidth, width] = across.map((axis) => first[axis]);
  for (const { query, key, value, output } of complete) {
    for (const name of [query, key, value, output]) {
      const wanted = name === output ? [...first].reverse() : first;
      const got = shapeOf(name);
      if (
        first.length !== 2 ||
        headsWidth < 1 ||
        width < 1 ||
        wanted.some((extent, axis) => got[axis] !== extent) ||
        got.length !== 2
      ) {
        throw complain(`a matrix ${first.length === 2 ? formatShape(wanted) : ""} in ${name}`, formatShape(got));
      }
    }
  }
  return {
    prefix: stem.replace(/(encoder\.layer|layers)\.$/, ""),
    width,
    headsWidth,
    transposed: layout.transposed,
    layers: complete,
  };
}

/** The width of a head in BERT, RoBERTa, ViT and DeiT, except for a few small models. */
const USUAL_HEAD = 64;

/** The number of heads and how it was determined. */
export interface HeadCount {
  readonly heads: number;
  readonly source: "given" | "configuration" | "64 a head";
}

/**
 * The number of heads: the given one, else `num_attention_heads` of `configuration`, the model's config.json, else one
 * per 64 of the `headsWidth` columns.
 *
 * @throws ArgumentError or DataError for a number that does not divide the width of the heads.
 */
export function countHeads(headsWidth: number, given?: number, configuration?: unknown): HeadCount {
  const about: unknown =
    typeof configuration === "object" && configuration !== null && "num_attention_heads" in configuration
      ? configuration.num_attention_heads
      : undefined;
  const source = given !== undefined ? "given" : about !== undefined ? "configuration" : "64 a head";
  const heads = { given, configuration: about, "64 a head": headsWidth / USUAL_HEAD }[source];
  if (typeof heads === "number" && Number.isInteger(heads) && heads >= 1 && headsWidth % heads === 0)
    return { heads, source };
  const complaint = {
    where: "countHeads",
    argument: "heads",
    wanted: `a divisor of ${headsWidth}, the width of all heads`,
    got: `${JSON.stringify(heads)} (${source})`,
    fix: "Give the number with --heads.",
  };
  throw source === "given" ? new ArgumentError(complaint) : new DataError(complaint);
}

/** Reads the numbers of one tensor. Throws DataError for NaN and infinity. */
export async function readFinite(
  where: string,
  weights: StoredTensors,
  name: string,
): Promise<Float32Array | Float64Array> {
  const numbers = await weights.read(name);
  const wrong = numbers.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw new DataError({
      where,
      argument: name,
      wanted: "finite numbers",
      got: `${numbers[wrong]} at index ${wrong}`,
    });
  return numbers;
}

/**
 * Reads one `projection` of one `layer`, counted from 0, as rows: [heads·d, D], or [D, heads·d] for the output.
 *
 * @param weights an opened file
 * @param attention what `findAttention` found in it
 */
export async function readProjection(
  weights: StoredTensors,
  attention: AttentionWeights,
  layer: number,
  projection: Projection,
): Promise<(Float32Array | Float64Array)[]> {
  checkArguments(
    "readProjection",
    { weights, attention },
    {
      weights: having<StoredTensors>("an opened file", ["read", "tensors"]),
      attention: having<AttentionWeights>("what findAttention gives", ["layers"]),
    },
  );
  const name = attention.layers[layer]?.[projection];
  if (name === undefined)
    throw new ArgumentError({
      where: "readProjection",
      argument: "layer",
      wanted: `query, key, value or output, and a layer from 0 to ${attention.layers.length - 1}`,
      got: `${String(projection)} of layer ${String(layer)}`,
    });
  const numbers = await readFinite("readProjection", weights, name);
  const outer = projection === "output" ? attention.width : attention.headsWidth;
  return attention.transposed ? columnsOf(numbers, outer) : rowsOf(numbers, numbers.length / outer);
}

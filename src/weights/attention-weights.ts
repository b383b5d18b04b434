import { ArgumentError, DataError } from "../core/errors.js";
import { showJson } from "../core/json.js";
import { flag, having, text } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { formatShape, type Shape } from "../core/shape.js";
import type { AttentionLayer, Projection, StoredMatrix } from "./attention-layer.js";
import { layouts, type NameLayout } from "./layouts.js";
import { general, isNamed, matchLayouts, nameIn, type NamedLayer, type Stack } from "./match-layout.js";
import type { StoredTensors } from "./safetensors.js";

/** The attention layers of a file. */
export interface AttentionWeights {
  /** What precedes the names of their matrices, with `{}` for numbers, such as "bert.encoder.layer.{}.". */
  readonly prefix: string;
  readonly layers: readonly AttentionLayer[];
}

/** Options of `findAttention`. Templates have `{}` for the number of a layer and `{head}` for that of a head. */
export interface FindOptions {
  /** The start of the names of the layers, if a file has several stacks of layers, such as "bert.". */
  readonly prefix?: string;
  /** Template of the names of W_q, such as "blocks.{}.q.weight"; `key` belongs to it. */
  readonly query?: string;
  /** Template of the names of W_k. */
  readonly key?: string;
  /** Template of the names of a matrix of W_q, W_k and W_v, one below the other, in place of `query` and `key`. */
  readonly fused?: string;
  /** Whether these matrices are stored as [in, out], for x W, rather than [out, in], for x Wᵀ. */
  readonly transposed?: boolean;
}

const WHERE = "findAttention";
const complain = (wanted: string, got: string, fix?: string): DataError =>
  new DataError({ where: WHERE, argument: "weights", wanted, got, fix });

/** Most names in an error message. */
const MOST_SHOWN = 12;
const LIKE_PROJECTIONS = /(?:^|[./_])(?:(?:to_?)?(?:w_?)?(?:q|k|qk|qkv|kv)|query|key|attn|attention)(?:[./_\d]|$)/i;

/** Names that look like projections, each once for all layers; else those of any matrices. */
function candidates(tensors: StoredTensors["tensors"]): string {
  const matrices = new Map<string, Shape>();
  for (const [name, { shape }] of tensors)
    if (shape.filter((extent) => extent > 1).length >= 2) matrices.set(general(name), shape);
  const alike = [...matrices.keys()].filter((name) => LIKE_PROJECTIONS.test(name));
  const shown = alike.length > 0 ? alike : [...matrices.keys()];
  const some = shown.slice(0, MOST_SHOWN).map((name) => `${showJson(name)} ${formatShape(matrices.get(name)!)}`);
  const list = `${some.join(", ")}${shown.length > some.length ? `, and ${shown.length - some.length} others` : ""}`;
  if (shown.length === 0) return `${tensors.size} tensors, none of them a matrix`;
  return alike.length > 0 ? `names that look like projections: ${list}` : `matrices such as ${list}`;
}

const BY_HAND =
  'Name them by query and key, such as query "blocks.{}.q.weight" and key "blocks.{}.k.weight", or by fused for one ' +
  "matrix of q, k and v; {} stands for the number of the layer, {head} for that of a head.";

function choose(stacks: readonly Stack[], prefix: string | undefined): Stack {
  const exact = stacks.filter((stack) => stack.prefix === prefix);
  const chosen =
    exact.length > 0 ? exact : stacks.filter((stack) => prefix === undefined || stack.prefix.startsWith(prefix));
  if (chosen.length === 1) return chosen[0];
  const several = chosen.length > 0 ? `, with ${chosen.length} stacks of layers` : "";
  throw new ArgumentError({
    where: WHERE,
    argument: "prefix",
    wanted: `the start of one of ${stacks.map((stack) => showJson(stack.prefix)).join(", ")}`,
    got: `${prefix === undefined ? "none" : showJson(prefix)}${several}`,
  });
}

/** The extents of a matrix; convolutions of one place have more, and Flax keeps heads apart. */
function extentsOf(shape: Shape, isOutput: boolean): { readonly extents: Shape; readonly heads?: number } {
  let extents = [...shape];
  while (extents.length > 2 && extents[0] === 1) extents = extents.slice(1);
  while (extents.length > 2 && extents.at(-1) === 1) extents = extents.slice(0, -1);
  if (extents.length !== 3) return { extents };
  const [a, b, c] = extents;
  return isOutput ? { extents: [a * b, c], heads: a } : { extents: [a, b * c], heads: b };
}

/** A layer that may lack matrices. */
type FoundLayer = Partial<AttentionLayer> & Pick<AttentionLayer, "label">;

const isWhole = (layer: FoundLayer): layer is AttentionLayer => layer.query !== undefined && layer.key !== undefined;

/** Finds the matrices of one layer. */
class LayerReader {
  heads: number | undefined;

  constructor(
    readonly tensors: StoredTensors["tensors"],
    readonly layer: NamedLayer,
  ) {}

  shapeOf(name: string): Shape | undefined {
    return this.tensors.get(name)?.shape;
  }

  /** The matrix that these tensors, one or one per head, hold, or one of `parts` equal parts of it. */
  matrix(names: readonly string[], isOutput = false, part = 0, parts = 1): StoredMatrix {
    const [name] = names;
    const shape = this.shapeOf(name) ?? [];
    const { extents, heads } = extentsOf(shape, isOutput);
    const [a, b] = extents;
    const { transposed = parts > 1 && b === parts * a } = this.layer.layout;
    const [rows, columns] = transposed ? [b, a] : [a, b];
    const isFlax = extents.length < shape.length && heads !== undefined;
    if (extents.length !== 2 || !(rows >= 1) || !(columns >= 1) || (isFlax && !transposed))
      throw complain(`a matrix in ${name}`, formatShape(shape));
    const mustBeSquare = this.layer.layout.transposed === undefined || this.layer.layout.alternating === true;
    if (rows % parts !== 0 || (parts > 1 && mustBeSquare && rows !== parts * columns))
      throw complain(
        `a matrix with ${parts} times as many rows as columns, or the other way round, in ${name}`,
        formatShape(shape),
      );
    for (const other of names)
      if (String(this.shapeOf(other)) !== String(shape))
        throw complain(`a matrix ${formatShape(shape)} in ${other}`, formatShape(this.shapeOf(other) ?? []));
    if (isFlax) this.heads = heads;
    const own = rows / parts;
    const alternating = parts > 1 && this.layer.layout.alternating === true ? { alternating: parts } : {};
    return { names, rows: own * names.length, columns, transposed, first: part * own, total: rows, ...alternating };
  }

  /** W_q, W_k and W_v below each other in one matrix, with as many rows of W_q as W_o has columns. */
  grouped(name: string, output: StoredMatrix | undefined): readonly StoredMatrix[] {
    const whole = this.matrix([name]);
    const queries = output === undefined ? NaN : output.columns;
    const keys = (whole.rows - queries) / 2;
    if (output === undefined || !Number.isInteger(keys) || keys < 1 || queries % keys !== 0)
      throw complain(
        `W_o beside ${name}, with a column for each of its ${whole.rows} rows that is of queries`,
        output === undefined ? "none" : formatShape([output.rows, output.columns]),
        BY_HAND,
      );
    const at = (first: number, rows: number): StoredMatrix => ({ ...whole, rows, first });
    return [at(0, queries), at(queries, keys), at(queries + keys, keys)];
  }

  /** The matrix of a template; undefined if the file has none. */
  projection(template: string | undefined): StoredMatrix | undefined {
    if (template === undefined) return undefined;
    const heads = template.includes("{head}") ? [...this.layer.heads] : [""];
    if (template.includes("{head}")) this.heads = heads.length;
    const names = heads.sort((a, b) => Number(a) - Number(b)).map((head) => nameIn(this.layer, template, head));
    return names.every((name) => this.tensors.has(name)) ? this.matrix(names) : undefined;
  }

  /** Number of heads by a tensor that has a column for each. */
  countColumns(): number | undefined {
    const { perHead } = this.layer.layout;
    return perHead === undefined ? undefined : this.shapeOf(nameIn(this.layer, perHead))?.at(-1);
  }

  /** The matrices of the layer that are there. */
  read(label: string): FoundLayer {
    const { layout } = this.layer;
    const fused = layout.fused === undefined ? undefined : nameIn(this.layer, layout.fused);
    const outputName = layout.output
      ?.map((template) => nameIn(this.layer, template))
      .find((name) => this.tensors.has(name));
    const output = outputName === undefined ? undefined : this.matrix([outputName], true);
    const [query, key, value] =
      fused === undefined
        ? [layout.query, layout.key, layout.value].map((template) => this.projection(template))
        : layout.grouped === true
          ? this.grouped(fused, output)
          : [0, 1, 2].map((part) => this.matrix([fused], false, part, 3));
    return { label, query, key, value, output, heads: this.heads ?? this.countColumns() };
  }
}

const PROJECTIONS: readonly Projection[] = ["query", "key", "value", "output"];

/** Throws unless the matrices of a layer fit each other. */
function checkLayer(layer: AttentionLayer): AttentionLayer {
  const { query, key, output, heads } = layer;
  const shown = ({ rows, columns }: StoredMatrix): string => formatShape([rows, columns]);
  if (key.columns !== query.columns || query.rows % key.rows !== 0)
    throw complain(
      `keys ${shown(query)}, or fewer heads of them, in ${key.names[0]}, as the queries of layer ${layer.label} are`,
      shown(key),
    );
  if (output !== undefined && output.columns !== query.rows)
    throw complain(`a matrix ${formatShape([output.rows, query.rows])} in ${output.names[0]}`, shown(output));
  if (heads !== undefined && query.rows % heads !== 0)
    throw complain(`a number of heads that divides ${query.rows} in layer ${layer.label}`, `${heads}`);
  return layer;
}

/** Labels of layers: the numbers in which they differ. */
function labelsOf(layers: readonly NamedLayer[]): string[] {
  const differ = layers[0].numbers.map((number, place) => layers.some(({ numbers }) => numbers[place] !== number));
  return layers.map(({ numbers }) => numbers.filter((_, place) => differ[place]).join(".") || "0");
}

function read(tensors: StoredTensors["tensors"], { layers }: Stack): FoundLayer[] {
  const labels = labelsOf(layers);
  return layers.map((layer, at) => new LayerReader(tensors, layer).read(labels[at]));
}

/** The layout that the options say; undefined without. */
function layoutOf({ query, key, fused, transposed }: FindOptions): NameLayout | undefined {
  const isPair = query !== undefined && key !== undefined && fused === undefined;
  const isFused = fused !== undefined && query === undefined && key === undefined;
  if (isPair || isFused) return { query, key, fused, transposed: transposed ?? (isFused ? undefined : false) };
  if ([query, key, fused, transposed].every((option) => option === undefined)) return undefined;
  throw new ArgumentError({
    where: WHERE,
    argument: "options",
    wanted: "query and key together, or fused alone, and transposed only with these",
    got: Object.entries({ query, key, fused, transposed })
      .flatMap(([name, option]) => (option === undefined ? [] : [name]))
      .join(", "),
  });
}

/**
 * Finds the projections of attention layers by their names: those of `layouts` (BERT, ViT, torch, timm, GPT-2, Llama,
 * T5, Swin and others, under any prefix), or those that the options say. In an ONNX model they are found by the graph.
 *
 * @param weights an opened file
 * @throws DataError if there are none, with the names that look like projections; or if one is missing or shapes do not
 * match. ArgumentError if the file has several stacks of layers and `prefix` selects none.
 * @example
 * const attention = findAttention(weights); // or
 * const own = findAttention(weights, { query: "blocks.{}.q.weight", key: "blocks.{}.k.weight" });
 */
export function findAttention(
  weights: Pick<StoredTensors, "tensors" | "attention">,
  options: FindOptions = {},
): AttentionWeights {
  checkArguments(WHERE, { weights }, { weights: having<StoredTensors>("an opened file", ["tensors"]) });
  checkOptions<FindOptions>(WHERE, options, { prefix: text, query: text, key: text, fused: text, transposed: flag });
  const { tensors, attention = [] } = weights;
  const byHand = layoutOf(options);
  if (byHand === undefined && options.prefix === undefined && attention.length > 0)
    return { prefix: "", layers: attention.map(checkLayer) };
  const stacks = matchLayouts(tensors.keys(), byHand === undefined ? layouts : [byHand]);
  if (stacks.length === 0)
    throw complain(
      byHand === undefined
        ? `attention layers named as in ${layouts.map(({ models }) => models).join("; ")}`
        : `tensors named ${[byHand.query, byHand.key, byHand.fused].filter(Boolean).map(showJson).join(", ")}`,
      candidates(tensors),
      BY_HAND,
    );
  const whole = stacks.filter(({ layers }) => layers.some(isNamed));
  const stack = choose(whole.length > 0 ? whole : stacks, options.prefix);
  const found = read(tensors, stack);
  const wanted = PROJECTIONS.filter((name) => /query|key/.test(name) || found.some((layer) => layer[name]));
  return {
    prefix: stack.prefix,
    layers: found.map((layer) => {
      const missing = wanted.filter((name) => layer[name] === undefined);
      if (isWhole(layer) && missing.length === 0) return checkLayer(layer);
      throw complain(
        `${wanted.join(", ")} of layer ${layer.label} under ${showJson(stack.prefix)}`,
        `no ${missing.join(", ")}`,
      );
    }),
  };
}

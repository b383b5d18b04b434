import { findAttention } from "../../weights/attention-weights.js";
import { countHeads } from "../../weights/heads.js";
import { readFinite, readProjection } from "../../weights/projections.js";
import { mean } from "../../numerics/averages.js";
import { rowsOf, type Rows } from "../../numerics/rows.js";
import { cosineNoise, meanCosineNoise } from "../../analysis/cosine-noise.js";
import { dissectHead, modeMap, summarizeCosines, type HeadDissection } from "../../analysis/dissection.js";
import { DataError } from "../../core/errors.js";
import { random } from "../../core/random.js";
import { openWeights } from "../../weights/open.js";
import type { StoredTensors } from "../../weights/safetensors.js";
import { formatShape } from "../../core/shape.js";
import type { Work } from "../runner/study.js";
import { KINDS, readStoredInputs } from "../stored/inputs.js";
import type { DrawnInput } from "../report/over-input.js";
import { fileSource } from "../stored/file.js";
import type { DissectedLayer, DissectedMap, LayerSizes, ModelSummary } from "./measurements.js";
import { openModel } from "../stored/open.js";
import { runInput, tokensOfLayer } from "./run-model.js";

type Numbers = Float32Array | Float64Array;

export interface DissectOptions {
  readonly model: string;
  readonly modes: number;
  readonly heads: number | undefined;
  readonly prefix: string | undefined;
  readonly query: string | undefined;
  readonly key: string | undefined;
  readonly fused: string | undefined;
  readonly stored: (typeof orientations)[number];
  readonly inputs: string | undefined;
  readonly row: number;
  readonly words: string | undefined;
  readonly facts: string | undefined;
}

/** Norms of the queries and keys of heads. */
const NORMS = /[._](?:q|k|query|key)_?(?:layer_?)?norm\.(?:weight|scale)$/;

/** How matrices that the user names are stored. */
export const orientations = ["auto", "out-in", "in-out"] as const;

/** Attention maps of a layer's `count` strongest modes on tokens [n, D]. */
function mapsOf(heads: readonly HeadDissection[], inputs: Rows, count: number): DissectedMap[] {
  return heads
    .flatMap(({ singularValues, cosines }, head) =>
      cosines.map((cosine, mode) => ({ head, mode, singularValue: singularValues[mode], cosine })),
    )
    .sort((a, b) => b.singularValue - a.singularValue)
    .slice(0, count)
    .map((place) => ({ ...place, ...modeMap(heads[place.head], place.mode, inputs) }));
}

function describe(
  heads: readonly HeadDissection[],
  width: number,
  maps: readonly DissectedMap[] | undefined,
): DissectedLayer {
  const { plain, weighted, modes, squaredWeights } = summarizeCosines(heads);
  const noise = cosineNoise(width);
  const inside = heads.flatMap(({ cosines }) => cosines).filter((cosine) => Math.abs(cosine) < noise).length;
  const shares = heads.map(({ symmetricShare }) => symmetricShare).filter((share) => !Number.isNaN(share));
  return {
    heads: heads.map(({ singularValues, cosines, symmetricShare }) => ({ singularValues, cosines, symmetricShare })),
    plain,
    weighted,
    noise: {
      plain: meanCosineNoise(width, squaredWeights.plain),
      weighted: meanCosineNoise(width, squaredWeights.weighted),
    },
    modes,
    insideNoise: inside / modes,
    symmetricShare: mean(shares),
    ...(maps ? { maps } : {}),
  };
}

const inputName = ({ label }: LayerSizes): string => `hidden_states.${label}`;

/** The tokens that enter a layer; undefined if the file has none for it. */
async function readInputs(inputs: StoredTensors, sizes: LayerSizes): Promise<Numbers[] | undefined> {
  const { width } = sizes;
  const name = inputName(sizes);
  const shape = inputs.tensors.get(name)?.shape;
  if (shape === undefined) return undefined;
  const [n, columns, ...more] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (columns !== width || more.length > 0 || n < 1) {
    throw new DataError({
      where: "study dissect",
      argument: name,
      wanted: `tokens [n, ${width}] or [1, n, ${width}]`,
      got: formatShape(shape),
    });
  }
  return rowsOf(await readFinite("study dissect", inputs, name), width);
}

/** The tokens that enter a layer, and the input of the model that they come from. */
interface GivenTokens {
  readonly drawn?: DrawnInput;
  of(layer: number): Promise<readonly Numbers[] | undefined>;
}

async function openInputs(path: string, options: DissectOptions, layers: readonly LayerSizes[]): Promise<GivenTokens> {
  const inputs = await openWeights(await fileSource(path));
  if (KINDS.some((kind) => inputs.tensors.has(kind))) {
    const ran = await runInput({ ...options, stored: await readStoredInputs(path) });
    return {
      drawn: ran.drawn,
      of: (layer) => Promise.resolve(tokensOfLayer(ran, layer, layers.length, layers[layer].width)),
    };
  }
  const names = layers.map(inputName);
  if (names.some((name) => inputs.tensors.has(name))) return { of: (layer) => readInputs(inputs, layers[layer]) };
  throw new DataError({
    where: "study dissect",
    argument: path,
    wanted: `tensors ${names[0]} to ${names[names.length - 1]}, or some of them; or ids, pixels or vectors`,
    got: "none",
  });
}

/** A model whose headers were read, and the tokens for its layers. */
export interface OpenedModel {
  readonly summary: ModelSummary;
  readonly tokens?: GivenTokens;
  /** The query and key weights of a layer. */
  projections(layer: number): Promise<readonly [query: Numbers[], key: Numbers[]]>;
}

/** Opens the model of the options; reads no weights yet. */
export async function openForDissection(options: DissectOptions): Promise<OpenedModel> {
  const { model, heads: given, prefix, query, key, fused, stored, inputs } = options;
  const { path: file, weights, config } = await openModel(model);
  const transposed = stored === "auto" ? undefined : stored === "in-out";
  const attention = findAttention(weights, { prefix, query, key, fused, transposed });
  const { layers, source } = countHeads(attention, given, config);
  const sizes = attention.layers.map(({ label, query: { rows, columns } }, at): LayerSizes => {
    const { heads, keyHeads } = layers[at];
    return { label, width: columns, heads, keyHeads, dim: rows / heads };
  });
  const tokens = inputs === undefined ? undefined : await openInputs(inputs, options, sizes);
  const drawn = tokens?.drawn;
  const hasNorms = [...weights.tensors.keys()].some((name) => NORMS.test(name));
  return {
    summary: {
      ...(drawn === undefined ? {} : { drawn }),
      hasNorms,
      file,
      prefix: attention.prefix,
      headsFrom: source,
      sizes,
    },
    tokens,
    projections: async (layer) => [
      await readProjection(weights, attention, layer, "query", { heads: layers[layer].heads }),
      await readProjection(weights, attention, layer, "key", { heads: layers[layer].heads }),
    ],
  };
}

/** Weights of the control: draws from N(0, 1) in a layer's sizes. */
export function randomProjections(
  { width, heads, keyHeads, dim }: LayerSizes,
  seed: number,
): readonly [query: Numbers[], key: Numbers[]] {
  const stream = random(seed);
  const draw = (count: number): Float64Array[] => rowsOf(stream.normals(count * dim * width), width);
  return [draw(heads), draw(keyHeads)];
}

/** Weights of a layer, and its input tokens. */
export interface LayerNumbers {
  readonly query: readonly Numbers[];
  readonly key: readonly Numbers[];
  /** Tokens [n, D] that enter the layer, for attention maps. */
  readonly tokens?: readonly Numbers[];
}

/** Dissects every head of a layer, and computes the maps of its strongest `modes`. */
export async function dissectLayer(
  { width, heads, keyHeads, dim }: LayerSizes,
  { query, key, tokens }: LayerNumbers,
  modes: number,
  name: string,
  work: Work,
): Promise<DissectedLayer> {
  const rows = (matrix: readonly Numbers[], head: number): Rows => matrix.slice(head * dim, (head + 1) * dim);
  const dissected: HeadDissection[] = [];
  for (let head = 0; head < heads; head++) {
    await work.checkpoint();
    dissected.push(dissectHead(rows(query, head), rows(key, Math.floor((head * keyHeads) / heads))));
    work.report({ kind: "progress", label: name, done: head + 1, total: heads });
  }
  return describe(dissected, width, tokens && mapsOf(dissected, tokens, modes));
}

import { UnsupportedError } from "../core/errors.js";
import type { Shader, TiledKernel } from "../kernels/kernel.js";
import type { AttentionExtents } from "../kernels/primitives.js";
import attention from "../../shaders/lib/attention.wgsl";
import keyTile from "../../shaders/lib/key_tile.wgsl";
import outputGradient from "../../shaders/lib/output_gradient.wgsl";
import pair from "../../shaders/lib/pair.wgsl";
import plainRow from "../../shaders/lib/plain_row.wgsl";
import queryAgain from "../../shaders/lib/query_again.wgsl";
import queryGradient from "../../shaders/lib/query_gradient.wgsl";
import queryRow from "../../shaders/lib/query_row.wgsl";
import queryRun from "../../shaders/lib/query_run.wgsl";
import store from "../../shaders/lib/store.wgsl";
import storeAligned from "../../shaders/lib/store_aligned.wgsl";
import tileGradients from "../../shaders/lib/tile_gradients.wgsl";
import tileKeys from "../../shaders/lib/tile_keys.wgsl";
import tiles from "../../shaders/lib/tiles.wgsl";
import vec4s from "../../shaders/lib/vec4s.wgsl";
import vec4sAligned from "../../shaders/lib/vec4s_aligned.wgsl";
import widths from "../../shaders/lib/widths.wgsl";
import count from "../../shaders/normalizers/count.wgsl";
import none from "../../shaders/normalizers/none.wgsl";
import softmax from "../../shaders/normalizers/softmax.wgsl";
import sum from "../../shaders/normalizers/sum.wgsl";
import backwardBias from "../../shaders/passes/backward_bias.wgsl";
import backwardKeyValue from "../../shaders/passes/backward_key_value.wgsl";
import backwardKeyValueShuffle from "../../shaders/passes/backward_key_value_shuffle.wgsl";
import backwardKeyValueTiles from "../../shaders/passes/backward_key_value_tiles.wgsl";
import backwardParameters from "../../shaders/passes/backward_parameters.wgsl";
import backwardParametersTiles from "../../shaders/passes/backward_parameters_tiles.wgsl";
import backwardQuery from "../../shaders/passes/backward_query.wgsl";
import backwardQueryShuffle from "../../shaders/passes/backward_query_shuffle.wgsl";
import backwardQueryTiles from "../../shaders/passes/backward_query_tiles.wgsl";
import forward from "../../shaders/passes/forward.wgsl";
import forwardShuffle from "../../shaders/passes/forward_shuffle.wgsl";
import forwardSplit from "../../shaders/passes/forward_split.wgsl";
import forwardTiles from "../../shaders/passes/forward_tiles.wgsl";
import type { Capabilities } from "./capabilities.js";
import { finiteShader } from "./elementwise.js";
import { shader, type Recorder } from "./implementation.js";
import { storageShaders, type GpuDType } from "./storage-type.js";
import { blockFor, DOWN } from "./tiles.js";

/** What hooks of kernels and normalisers may use. */
export const pairShaders = [shader("lib/pair.wgsl", pair), finiteShader];
const shared = [shader("lib/attention.wgsl", attention), ...pairShaders];
const byRows = [...shared, shader("lib/widths.wgsl", widths)];
const keyTileShader = shader("lib/key_tile.wgsl", keyTile);
const byQuery = [...byRows, keyTileShader, shader("lib/query_row.wgsl", queryRow)];
const outputGradientShader = shader("lib/output_gradient.wgsl", outputGradient);
const byQueryBackward = [...byQuery, outputGradientShader, shader("lib/query_gradient.wgsl", queryGradient)];

const splitShader = shader("passes/forward_split.wgsl", forwardSplit);

const passes = {
  forward: [...byQuery, shader("passes/forward.wgsl", forward)],
  split: [...byQuery, splitShader],
  query: [...byQueryBackward, shader("passes/backward_query.wgsl", backwardQuery)],
  parameters: [...byQueryBackward, shader("passes/backward_parameters.wgsl", backwardParameters)],
  bias: [...shared, outputGradientShader, shader("passes/backward_bias.wgsl", backwardBias)],
  keyValue: [...byRows, outputGradientShader, shader("passes/backward_key_value.wgsl", backwardKeyValue)],
};
const queryRunShader = shader("lib/query_run.wgsl", queryRun);
const shufflePasses = {
  forward: [...byRows, queryRunShader, shader("passes/forward_shuffle.wgsl", forwardShuffle, ["subgroups"])],
  query: [
    ...byRows,
    queryRunShader,
    outputGradientShader,
    shader("passes/backward_query_shuffle.wgsl", backwardQueryShuffle, ["subgroups"]),
  ],
  keyValue: [
    ...byRows,
    outputGradientShader,
    shader("passes/backward_key_value_shuffle.wgsl", backwardKeyValueShuffle, ["subgroups"]),
  ],
};
const tilesShader = shader("lib/tiles.wgsl", tiles);
const tileKeysShader = shader("lib/tile_keys.wgsl", tileKeys);
const tileGradientsShader = shader("lib/tile_gradients.wgsl", tileGradients);
const tilesBackward = [...shared, tilesShader, outputGradientShader];
const parametersTilesShader = shader("passes/backward_parameters_tiles.wgsl", backwardParametersTiles);
const tilePasses = {
  forward: [...shared, tilesShader, tileKeysShader, shader("passes/forward_tiles.wgsl", forwardTiles)],
  query: [
    ...tilesBackward,
    tileGradientsShader,
    tileKeysShader,
    shader("passes/backward_query_tiles.wgsl", backwardQueryTiles),
  ],
  keyValue: [
    ...tilesBackward,
    tileGradientsShader,
    shader("passes/backward_key_value_tiles.wgsl", backwardKeyValueTiles),
  ],
  parameters: [...tilesBackward, tileKeysShader, parametersTilesShader],
};
/** A query that several invocations share; a row that each of them held would take its registers. */
const sharedQuery = [...byRows, keyTileShader, shader("lib/query_again.wgsl", queryAgain), splitShader];
/**
 * One function for each result of a pass that is stored by rows, because core WGSL takes no pointer to storage as an
 * argument.
 */
function storing(file: string, text: string): Readonly<Record<PassName, readonly Shader[]>> {
  const into = (...results: string[]): Shader[] =>
    results.map((result) => shader(file, text.replaceAll("results", result)));
  const keyValue = into("key_gradients", "value_gradients");
  return { forward: into("outputs"), query: into("query_gradients"), keyValue, split: [], parameters: [], bias: [] };
}
/** How rows are loaded and stored. */
const access = {
  one: { load: shader("lib/vec4s.wgsl", vec4s), stores: storing("lib/store.wgsl", store) },
  four: {
    load: shader("lib/vec4s_aligned.wgsl", vec4sAligned),
    stores: storing("lib/store_aligned.wgsl", storeAligned),
  },
};
const plainRowShader = shader("lib/plain_row.wgsl", plainRow);
export const normalizers = {
  softmax: [shader("normalizers/softmax.wgsl", softmax)],
  sum: [shader("normalizers/sum.wgsl", sum)],
  count: [plainRowShader, shader("normalizers/count.wgsl", count)],
  none: [plainRowShader, shader("normalizers/none.wgsl", none)],
};

/** Invocations of a workgroup; each owns one row. */
export const ROWS = 32;
/** Fewer in a workgroup leave lanes of a subgroup idle. */
const FEWEST_ROWS = 8;
/** More keys in workgroup memory than this save nothing. */
const LARGEST_TILE = 32;

/** The largest power of two of rows, as wide as a key and a value together, that fits in workgroup memory. */
function tileFor(vec4s: number, valueVec4s: number, limit: number): number {
  const bytes = 16 * (vec4s + valueVec4s) + 12; // and a norm, a statistic and a delta
  const fits = Math.floor(limit / bytes);
  if (fits < 1) {
    throw new UnsupportedError({
      where: "attention",
      wanted:
        `d + dv of at most ${Math.floor((limit - 12) / 4)} on this adapter (maxComputeWorkgroupStorageSize ` +
        `${limit})`,
      got: `widths of ${4 * vec4s} and ${4 * valueVec4s}`,
      fix: "Split the width over more heads.",
    });
  }
  return Math.min(LARGEST_TILE, 2 ** Math.floor(Math.log2(fits)));
}

export type PassName = keyof typeof passes;

/**
 * Passes that hold rows in registers are for heads of at most so many vec4s, because compilers unroll their loops over
 * a head,
 */
const WIDEST_HELD = 32;
/** and from so many queries and keys on. */
const SHORTEST_HELD = 32;
/**
 * Rows in the registers of one invocation from LONG queries and keys on, in much work; half as many for heads above
 * WIDEST_RUN vec4s; else one. The results are the same, bit for bit.
 */
const RUNS = { forward: 4, query: 2, keyValue: 2 };
const WIDEST_RUN = 16;
const LONG = 128;
/** Up to so many vec4s an unrolled loop compiles as fast. */
const NARROW = 2;

interface Form {
  readonly shaders: readonly Shader[];
  readonly constants: Readonly<Record<string, number>>;
  /** Rows that a workgroup owns, */
  readonly rows: number;
  /** and workgroups that own the same rows, for a slice of their width each. */
  readonly slices: number;
}

let matrixFormOf: typeof import("./matrix-forms.js").matrixFormOf | undefined;

/** Loads the forms by subgroup matrices. Few programs want them, so that bundlers keep them apart. */
export async function loadMatrixForms(): Promise<void> {
  ({ matrixFormOf } = await import("./matrix-forms.js"));
}

/** Pairs of tokens of every kernel's pass so far, on one device. */
const pairsSoFar = new WeakMap<Capabilities, Map<string, number>>();

/** Adds the pairs of a call to those of its pass; whether they are enough for the longer program. */
export function isLongWork(capabilities: Capabilities, pass: string, pairs: number): boolean {
  const all = pairsSoFar.get(capabilities) ?? new Map<string, number>();
  pairsSoFar.set(capabilities, all);
  const before = all.get(pass);
  const sum = pairs + (before === undefined ? 0 : before);
  all.set(pass, sum);
  return sum > capabilities.shortRunPairs;
}

/** The form of a pass that suits the adapter and the sizes, for queries, keys, values and results of a dtype. */
export function formOf(
  recorder: Recorder,
  name: PassName,
  kernel: TiledKernel,
  extents: AttentionExtents,
  dtype: GpuDType,
): Form {
  const { capabilities, limits } = recorder;
  const { batch, heads, queries, keys, dim, valueDim } = extents;
  const [VEC4S, VALUE_VEC4S] = [Math.ceil(dim / 4), Math.ceil(valueDim / 4)];
  const width = dim % 4 === 0 && valueDim % 4 === 0 ? "four" : "one";
  const { load, stores } = access[width];
  const memory = [storageShaders[dtype][width], load, ...stores[name]];
  const byMatrices = dtype === "f16" ? matrixFormOf?.(recorder, name, kernel, extents) : undefined;
  if (byMatrices !== undefined) {
    const { shaders, constants, rows } = byMatrices;
    const backward = name === "forward" ? [] : [outputGradientShader];
    return {
      shaders: [...shared, ...backward, ...shaders, ...memory],
      constants: { VEC4S, VALUE_VEC4S, ...constants },
      rows,
      slices: 1,
    };
  }
  const LANES = capabilities.broadcastLanes;
  const [tokens, widest] = [Math.min(queries, keys), Math.max(VEC4S, VALUE_VEC4S)];
  const isUnrolled = capabilities.shortRunPairs === 0 || widest <= NARROW;
  if (LANES !== undefined && tokens >= SHORTEST_HELD && widest <= WIDEST_HELD && name in shufflePasses) {
    const shuffled = name as keyof typeof shufflePasses;
    const pass = `${name} ${kernel.name} ${widest}`;
    const isLong = isLongWork(capabilities, pass, batch * heads * queries * keys);
    const RUN = isLong && tokens >= LONG ? RUNS[shuffled] / (widest <= WIDEST_RUN ? 1 : 2) : 1;
    return {
      shaders: [...shufflePasses[shuffled], ...memory],
      constants: { VEC4S, VALUE_VEC4S, LANES, RUN, UNROLLED: Number(isUnrolled || isLong) },
      rows: LANES * RUN,
      slices: 1,
    };
  }
  if (capabilities.tiles && name in tilePasses) {
    const tiled = name as keyof typeof tilePasses;
    const { rows, slices, ...block } = blockFor(tiled, VEC4S, VALUE_VEC4S, limits.maxComputeWorkgroupStorageSize);
    const constants = { VEC4S, VALUE_VEC4S, ...block, DOWN, SLICES: slices };
    return { shaders: [...tilePasses[tiled], ...memory], constants, rows, slices };
  }
  // The rows of a pass are queries or keys: a workgroup and its tile are no larger than the longer of both wants.
  const rows = Math.min(ROWS, Math.max(FEWEST_ROWS, 2 ** Math.ceil(Math.log2(Math.max(queries, keys)))));
  const TILE = Math.min(rows, tileFor(VEC4S, VALUE_VEC4S, limits.maxComputeWorkgroupStorageSize));
  const plain = capabilities.tiles && name === "split" ? sharedQuery : passes[name];
  // Unrolled loops over memory are no faster here (16 tokens, 32 wide), so the program stays.
  return {
    shaders: [...plain, ...memory],
    constants: { VEC4S, VALUE_VEC4S, TILE, ROWS: rows, UNROLLED: Number(isUnrolled) },
    rows,
    slices: 1,
  };
}

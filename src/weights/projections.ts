import { ArgumentError, DataError } from "../core/errors.js";
import { having, whole } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import { rowsOf } from "../numerics/rows.js";
import type { Projection, StoredMatrix } from "./attention-layer.js";
import type { AttentionWeights } from "./attention-weights.js";
import { gathered } from "./gather.js";

import type { StoredTensors } from "./safetensors.js";

export const attentionKind = having<AttentionWeights>("what findAttention gives", ["prefix", "layers"]);

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

/** Options of `readProjection`. */
export interface ReadOptions {
  /** The number of heads, for a matrix in which queries, keys and values alternate from head to head. */
  readonly heads?: number;
}

/**
 * Reads one `projection` of one `layer`, counted from 0, as rows: [heads·d, D], or [D, heads·d] for the output.
 * Grouped heads have fewer rows of keys and values.
 *
 * @param weights an opened file
 * @param attention what `findAttention` found in it
 * @throws ArgumentError for a layer or projection that is not there, or for heads that are needed.
 * DataError for numbers that are not finite.
 */
export async function readProjection(
  weights: StoredTensors,
  attention: AttentionWeights,
  layer: number,
  projection: Projection,
  options: ReadOptions = {},
): Promise<(Float32Array | Float64Array)[]> {
  checkArguments(
    "readProjection",
    { weights, attention },
    {
      weights: having<StoredTensors>("an opened file", ["read", "tensors"]),
      attention: attentionKind,
    },
  );
  const { heads } = checkOptions<ReadOptions>("readProjection", options, { heads: whole(1) });
  const matrix = attention.layers[layer]?.[projection];
  if (matrix === undefined)
    throw new ArgumentError({
      where: "readProjection",
      argument: "layer",
      wanted: `a projection of the file, and a layer from 0 to ${attention.layers.length - 1}`,
      got: `${String(projection)} of layer ${String(layer)}`,
    });
  const { names, columns } = matrix;
  const place = placeOf(matrix, attention.layers[layer].heads ?? heads);
  const matrices: (Float32Array | Float64Array)[] = [];
  for (const name of names) {
    const numbers = await readFinite("readProjection", weights, name);
    matrices.push(...rowsOf(gathered(numbers, place), columns));
  }
  return matrices;
}

/** Where the rows of a matrix lie in each of its tensors. */
function placeOf({ names, rows: all, columns, transposed, first, total, alternating }: StoredMatrix, heads?: number) {
  const rows = all / names.length;
  const [down, across] = transposed ? [1, total] : [columns, 1];
  if (alternating === undefined) return { offset: first * down, shape: [rows, columns], strides: [down, across] };
  if (heads === undefined || rows % heads !== 0)
    throw new ArgumentError({
      where: "readProjection",
      argument: "heads",
      wanted: `the number of heads, a divisor of ${rows}: in ${names[0]} queries, keys and values alternate by head`,
      got: heads === undefined ? "none" : String(heads),
      fix: 'Pass it, such as readProjection(weights, attention, 0, "query", { heads: 16 }).',
    });
  const dim = rows / heads;
  const offset = (first / rows) * dim * down;
  return { offset, shape: [heads, dim, columns], strides: [alternating * dim * down, down, across] };
}

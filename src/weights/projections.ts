import { ArgumentError, DataError } from "../core/errors.js";
import { having } from "../core/kinds.js";
import { checkArguments } from "../core/options.js";
import { rowsOf } from "../numerics/rows.js";
import type { Projection } from "./attention-layer.js";
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

/**
 * Reads one `projection` of one `layer`, counted from 0, as rows: [heads·d, D], or [D, heads·d] for the output.
 * Grouped heads have fewer rows of keys and values.
 *
 * @param weights an opened file
 * @param attention what `findAttention` found in it
 * @throws ArgumentError for a layer or projection that is not there, DataError for numbers that are not finite.
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
      attention: attentionKind,
    },
  );
  const matrix = attention.layers[layer]?.[projection];
  if (matrix === undefined)
    throw new ArgumentError({
      where: "readProjection",
      argument: "layer",
      wanted: `a projection of the file, and a layer from 0 to ${attention.layers.length - 1}`,
      got: `${String(projection)} of layer ${String(layer)}`,
    });
  const { names, rows: all, columns, transposed, part, parts } = matrix;
  const rows = all / names.length;
  const matrices: (Float32Array | Float64Array)[] = [];
  for (const name of names) {
    const numbers = await readFinite("readProjection", weights, name);
    const stride = parts * rows;
    const place = transposed
      ? { offset: part * rows, strides: [1, stride] }
      : { offset: part * rows * columns, strides: [columns, 1] };
    matrices.push(...rowsOf(gathered(numbers, { ...place, shape: [rows, columns] }), columns));
  }
  return matrices;
}

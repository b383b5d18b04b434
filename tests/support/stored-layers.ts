import {
  encodeSafetensors,
  openSafetensors,
  type Projection,
  type StoredTensors,
  type TensorToStore,
} from "../../src/weights/index.js";

/** All projections. */
export const PROJECTIONS: readonly Projection[] = ["query", "key", "value", "output"];

/** The number in a row and a column of a projection of a layer. */
export const entry = (layer: number, projection: Projection, row: number, column: number): number =>
  10_000 * layer + 1000 * PROJECTIONS.indexOf(projection) + 20 * row + column;

/** A tensor of these numbers by row and column. */
export const stored = (shape: readonly number[], at: (row: number, column: number) => number): TensorToStore => {
  const columns = shape[shape.length - 1];
  const size = shape.reduce((a, b) => a * b, 1);
  return { shape, data: Float32Array.from({ length: size }, (_, i) => at(Math.floor(i / columns), i % columns)) };
};
/** A projection of `rows` rows, stored as [out, in]. */
export const matrix = (layer: number, projection: Projection, rows: number, columns: number): TensorToStore =>
  stored([rows, columns], (row, column) => entry(layer, projection, row, column));
/** The same, transposed. */
export const across = (layer: number, projection: Projection, rows: number, columns: number): TensorToStore =>
  stored([columns, rows], (column, row) => entry(layer, projection, row, column));
/** Queries, keys and values, each of `rows` rows, in one matrix. */
const fusedAt = (layer: number, rows: number, row: number, column: number): number =>
  entry(layer, PROJECTIONS[Math.floor(row / rows)], row % rows, column);
/** Such a matrix, stored as [out, in]. */
export const fused = (layer: number, rows: number, columns: number): TensorToStore =>
  stored([3 * rows, columns], (row, column) => fusedAt(layer, rows, row, column));
/** The same, transposed. */
export const fusedAcross = (layer: number, rows: number, columns: number): TensorToStore =>
  stored([columns, 3 * rows], (column, row) => fusedAt(layer, rows, row, column));

/** A file of these tensors. */
export const open = (tensors: Readonly<Record<string, TensorToStore>>): Promise<StoredTensors> =>
  openSafetensors(encodeSafetensors(tensors));

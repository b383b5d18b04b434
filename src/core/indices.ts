import { ArgumentError, ShapeError } from "./errors.js";
import { lengthOf } from "./checks.js";
import { having, numbers } from "./kinds.js";
import { checkArguments } from "./options.js";
import { checkShape, formatShape, sizeOf, type Shape } from "./shape.js";

/**
 * Whole numbers that select rows, such as token ids and class labels. They stay on the host and work with every
 * backend.
 */
export interface Indices {
  readonly values: Int32Array;
  readonly shape: Shape;
}

export const indicesKind = having<Indices>(
  "whole numbers with a shape",
  ["values", "shape"],
  "Make them with indices(numbers, shape).",
);

/**
 * Whole numbers from 0 to 2^31 - 1: `data`, row-major, in `shape` (one axis by default).
 *
 * @example
 * const ids = indices([4, 8, 15, 16, 23, 42], [2, 3]); // two sequences of three tokens
 */
export function indices(data: ArrayLike<number>, shape: Shape = lengthOf("indices", data)): Indices {
  checkArguments("indices", { data }, { data: numbers });
  checkShape("indices", shape);
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError({
      where: "indices",
      argument: "data",
      wanted: `${sizeOf(shape)} numbers for shape ${formatShape(shape)}`,
      got: `${data.length}`,
    });
  }
  const values = Int32Array.from(data);
  const wrong = values.findIndex((value, index) => value !== data[index] || value < 0);
  if (wrong >= 0) {
    throw new ArgumentError({
      where: "indices",
      argument: "data",
      wanted: "whole numbers from 0 to 2147483647",
      got: `${String(data[wrong])} at index ${wrong}`,
    });
  }
  return { values, shape: [...shape] };
}

/** Throws unless every index is below `count`. */
export function checkIndices(where: string, argument: string, { values }: Indices, count: number): void {
  const wrong = values.findIndex((value) => value >= count);
  if (wrong >= 0) {
    throw new ArgumentError({
      where,
      argument,
      wanted: `indices below ${count}`,
      got: `${values[wrong]} at position ${wrong}`,
    });
  }
}

import { ArgumentError, NonFiniteError, ShapeError } from "./errors.js";
import { numbers, oneOf, tensor } from "./kinds.js";
import { checkArguments, wrongKind, type Kinds } from "./options.js";
import { checkShape, formatShape, sizeOf, type Shape } from "./shape.js";
import { isTensor } from "./is-tensor.js";
import type { Backend, Tensor, TensorOptions } from "./tensor.js";

export const tensorOptions: Kinds<TensorOptions> = { dtype: oneOf("f16", "f32", "f64") };

/** Throws unless every operand is a tensor. */
export function checkTensors(where: string, operands: Readonly<Record<string, unknown>>): void {
  for (const [name, operand] of Object.entries(operands))
    if (!isTensor(operand)) throw wrongKind(where, name, tensor, operand);
}

/**
 * The backend of all the tensors. Throws an `ArgumentError` for an operand that is not a tensor, or for tensors on
 * different backends.
 */
export function commonBackend(where: string, tensors: readonly Tensor[]): Backend {
  const other = tensors.findIndex((operand) => !isTensor(operand));
  if (other >= 0) throw wrongKind(where, `operand ${other + 1}`, tensor, tensors[other]);
  const backend = tensors[0].backend;
  const stranger = tensors.find((tensor) => tensor.backend !== backend);
  if (stranger !== undefined) {
    throw new ArgumentError({
      where,
      wanted: "tensors of one backend",
      got:
        `one on ${backend.name} (${backend.device.name}) and one on ${stranger.backend.name} ` +
        `(${stranger.backend.device.name})`,
      fix: "Move a tensor over with await tensor.to(backend).",
    });
  }
  return backend;
}

/** The default shape of data: one axis. */
export function lengthOf(where: string, data: ArrayLike<number>): Shape {
  checkArguments(where, { data }, { data: numbers });
  return [data.length];
}

/** Checks a caller's data: its shape, its length, and that every number is finite. */
export function checkData(where: string, data: ArrayLike<number>, shape: Shape): void {
  checkArguments(where, { data }, { data: numbers });
  checkShape(where, shape);
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError({
      where,
      argument: "data",
      wanted: `${sizeOf(shape)} numbers for shape ${formatShape(shape)}`,
      got: `${data.length}`,
    });
  }
  for (let index = 0; index < data.length; index++) {
    if (!Number.isFinite(data[index])) {
      throw new NonFiniteError({
        where,
        argument: "data",
        wanted: "finite numbers",
        got: `${String(data[index])} at index ${index}`,
        fix: "Clean the data, or mask what is missing.",
      });
    }
  }
}

import { ArgumentError, NonFiniteError, ShapeError } from "./errors.js";
import { checkShape, formatShape, sizeOf, type Shape } from "./shape.js";
import type { Backend, Tensor } from "./tensor.js";

/** The one backend of all the tensors; throws when they live on different ones. */
export function commonBackend(where: string, tensors: readonly Tensor[]): Backend {
  const backend = tensors[0].backend;
  const stranger = tensors.find((tensor) => tensor.backend !== backend);
  if (stranger !== undefined) {
    throw new ArgumentError({
      where,
      wanted: "tensors of one backend",
      got: `one on ${backend.name} (${backend.device.name}) and one on ${stranger.backend.name} (${stranger.backend.device.name})`,
      fix: "Move data over with backend.tensor(await other.read(), other.shape).",
    });
  }
  return backend;
}

/** Checks data that comes from outside: its shape, its length and that every number is finite. */
export function checkData(where: string, data: ArrayLike<number>, shape: Shape): void {
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

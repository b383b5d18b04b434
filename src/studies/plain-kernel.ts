import { ArgumentError } from "../core/errors.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { kernels } from "../kernels/registry.js";

/**
 * A kernel of the registry, at its defaults, that needs nothing beside q, k and v.
 *
 * @throws ArgumentError for any other name.
 */
export function plainKernel(name: string): TiledKernel {
  const kernel = kernels[name]?.();
  if (kernel !== undefined && !("compose" in kernel) && (kernel.inputs ?? []).length === 0) return kernel;
  const plain = Object.entries(kernels).filter(([, make]) => !("compose" in make()) && (make().inputs ?? []).length === 0);
  throw new ArgumentError({ where: "study", argument: "kernel", wanted: `one of ${plain.map(([known]) => known).join(", ")}`, got: name });
}

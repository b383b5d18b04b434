import { ArgumentError } from "../core/errors.js";
import type { AttentionKernel, TiledKernel } from "../kernels/kernel.js";
import { kernels } from "../kernels/registry.js";

/**
 * The kernel of a name, if it runs as tiled passes and is `wanted`.
 *
 * @throws ArgumentError that lists the names there are.
 */
export function namedKernel(name: string, known: Readonly<Record<string, () => AttentionKernel>>, wanted: (kernel: TiledKernel) => boolean): TiledKernel {
  const fits = (kernel: AttentionKernel): kernel is TiledKernel => !("compose" in kernel) && wanted(kernel);
  const kernel = Object.hasOwn(known, name) ? known[name]() : undefined;
  if (kernel !== undefined && fits(kernel)) return kernel;
  const names = Object.keys(known).filter((other) => fits(known[other]()));
  throw new ArgumentError({ where: "study", argument: "kernel", wanted: `one of ${names.join(", ")}`, got: name });
}

/**
 * A kernel of the registry, at its defaults, that needs nothing beside q, k and v.
 *
 * @throws ArgumentError for any other name.
 */
export const plainKernel = (name: string): TiledKernel => namedKernel(name, kernels, ({ inputs = [] }) => inputs.length === 0);

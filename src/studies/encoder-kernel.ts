import { elliptical } from "../kernels/elliptical.js";
import { mahalanobis } from "../kernels/mahalanobis.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { kernels } from "../kernels/registry.js";
import { namedKernel } from "./plain-kernel.js";

const known = { ...kernels, mahalanobisNormalized: () => mahalanobis({ normalize: true }) };

/**
 * A kernel of the registry, at its defaults, for which an encoder has all that it needs: what it learns, and what it takes between layers;
 * or the row-normalised Mahalanobis kernel.
 *
 * Where every token sees those before it alone, `causal` gives the form of the kernel that keeps to that.
 * @throws ArgumentError for any other name.
 */
export function encoderKernel(name: string, { causal = false }: { readonly causal?: boolean } = {}): TiledKernel {
  return namedKernel(name, causal ? { ...known, elliptical: () => elliptical({ causal }) } : known, ({ inputs = [] }) => inputs.every(({ fixed, betweenLayers }) => !fixed || betweenLayers !== undefined));
}

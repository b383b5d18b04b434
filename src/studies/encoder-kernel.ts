import { elliptical } from "../kernels/elliptical.js";
import { mahalanobis } from "../kernels/mahalanobis.js";
import type { TiledKernel } from "../kernels/kernel.js";
import { pairwise } from "../kernels/pairwise.js";
import { kernels } from "../kernels/registry.js";
import { namedKernel } from "./plain-kernel.js";

/** Pairwise attention with scores qᵀPk/d: with P from N(0, 1) they spread as q·k/√d does, where qᵀPk/√d spreads √d times as far. */
const pairwiseScaled = (): TiledKernel => ({ ...pairwise(), name: "pairwise (1/d)", parameters: [{ name: "scale", initial: ({ dim }) => 1 / dim }] });

const known = { ...kernels, mahalanobisNormalized: () => mahalanobis({ normalize: true }), pairwiseScaled };

/**
 * A kernel of the registry, at its defaults, for which an encoder has all that it needs: what it learns, and what it takes between layers;
 * or the row-normalised Mahalanobis kernel, or pairwise attention with scores over d.
 *
 * Where every token sees those before it alone, `causal` gives the form of the kernel that keeps to that.
 * @throws ArgumentError for any other name.
 */
export function encoderKernel(name: string, { causal = false }: { readonly causal?: boolean } = {}): TiledKernel {
  return namedKernel(name, causal ? { ...known, elliptical: () => elliptical({ causal }) } : known, ({ inputs = [] }) => inputs.every(({ fixed, betweenLayers }) => !fixed || betweenLayers !== undefined));
}

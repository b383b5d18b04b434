import { ArgumentError } from "../core/errors.js";
import { elliptical } from "../kernels/elliptical.js";
import type { AttentionKernel, TiledKernel } from "../kernels/kernel.js";
import { mahalanobis } from "../kernels/mahalanobis.js";
import { pairwise } from "../kernels/pairwise.js";
import { kernels } from "../kernels/registry.js";

/**
 * The kernel of this name, if it runs as tiled passes and `wanted` accepts it.
 *
 * @throws ArgumentError that lists the accepted names.
 */
function namedKernel(
  name: string,
  known: Readonly<Record<string, () => AttentionKernel>>,
  wanted: (kernel: TiledKernel) => boolean,
): TiledKernel {
  const fits = (kernel: AttentionKernel): kernel is TiledKernel => !("compose" in kernel) && wanted(kernel);
  const kernel = Object.hasOwn(known, name) ? known[name]() : undefined;
  if (kernel !== undefined && fits(kernel)) return kernel;
  const names = Object.keys(known).filter((other) => fits(known[other]()));
  throw new ArgumentError({ where: "study", argument: "kernel", wanted: `one of ${names.join(", ")}`, got: name });
}

/**
 * A kernel of the registry, at its defaults, that needs no inputs besides q, k and v.
 *
 * @throws ArgumentError for any other name.
 */
export const plainKernel = (name: string): TiledKernel =>
  namedKernel(name, kernels, ({ inputs = [] }) => inputs.length === 0);

/**
 * Pairwise attention with scores qᵀPk/d. For P from N(0, 1) they spread like q·k/√d; qᵀPk/√d spreads √d
 * times as far.
 */
const pairwiseScaled = (): TiledKernel => ({
  ...pairwise(),
  name: "pairwise (1/d)",
  parameters: [{ name: "scale", initial: ({ dim }) => 1 / dim }],
});

const known = { ...kernels, mahalanobisNormalized: () => mahalanobis({ normalize: true }), pairwiseScaled };

/**
 * A kernel of the registry, at its defaults, whose inputs an encoder learns or passes between layers; or the
 * row-normalised Mahalanobis kernel; or pairwise attention with scores divided by d.
 *
 * `causal` selects the causal form of a kernel that has one.
 * @throws ArgumentError for any other name.
 */
export function encoderKernel(name: string, { causal = false }: { readonly causal?: boolean } = {}): TiledKernel {
  return namedKernel(name, causal ? { ...known, elliptical: () => elliptical({ causal }) } : known, ({ inputs = [] }) =>
    inputs.every(({ fixed, betweenLayers }) => !fixed || betweenLayers !== undefined),
  );
}

import { divide, max, multiply } from "../autograd/ops.js";
import { ArgumentError } from "../core/errors.js";
import { random } from "../core/random.js";
import { elliptical, type EllipticalOptions } from "../kernels/elliptical.js";
import type { AttentionKernel, TiledKernel } from "../kernels/kernel.js";
import { mahalanobis } from "../kernels/mahalanobis.js";
import { pairwise } from "../kernels/pairwise.js";
import { kernels } from "../kernels/registry.js";
import { softmax } from "../kernels/softmax.js";

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

/** The seed of the random metric: the same in every training. */
const RANDOM_METRIC = 1;

/** Softmax attention with scores q·k, √d times those of softmax. */
const softmaxUnscaled = (): TiledKernel => ({ ...softmax({ scale: 1 }), name: "softmax (unscaled)" });

/**
 * Elliptical attention with a random metric, as a control. The first layer has the identity. All later layers have the
 * same numbers: uniform in [0, 1), divided by the largest of their head.
 */
function ellipticalRandom(options: EllipticalOptions = {}): TiledKernel {
  const kernel = elliptical(options);
  return {
    ...kernel,
    name: "elliptical (random metric)",
    inputs: kernel.inputs?.map((input) => ({
      ...input,
      betweenLayers(values, previous) {
        const [batch, heads, queries, dim] = values.shape;
        const shape = input.shape({ batch, heads, queries, keys: queries, dim });
        if (previous === undefined) return values.backend.full(1, shape);
        const source = random(RANDOM_METRIC);
        const drawn = values.backend.tensor(
          Float64Array.from({ length: heads * dim }, () => source.uniform()),
          [1, heads, ...(shape.length === 4 ? [1] : []), dim],
        );
        return multiply(divide(drawn, max(drawn, -1, { keepAxes: true })), values.backend.full(1, shape));
      },
    })),
  };
}

const known = {
  ...kernels,
  mahalanobisNormalized: () => mahalanobis({ normalize: true }),
  pairwiseScaled,
  softmaxUnscaled,
  ellipticalUnscaled: () => elliptical({ scale: 1 }),
  ellipticalRandom,
};

/** Forms that see all tokens at once. */
const wholeForms = { ...known, ellipticalMedian: () => elliptical({ estimator: "median" }) };

/** The forms for a causal mask of kernels that have one. */
const causalForms = {
  ...known,
  elliptical: () => elliptical({ causal: true }),
  ellipticalUnscaled: () => elliptical({ causal: true, scale: 1 }),
  ellipticalRandom: () => ellipticalRandom({ causal: true }),
};

/**
 * A kernel of the registry, at its defaults, whose inputs an encoder learns or passes between layers; or one of the
 * variants above.
 *
 * `causal` selects the causal form of a kernel that has one; the elliptical metric by a median has none.
 * @throws ArgumentError for any other name.
 */
export function encoderKernel(name: string, { causal = false }: { readonly causal?: boolean } = {}): TiledKernel {
  return namedKernel(name, causal ? causalForms : wholeForms, ({ inputs = [] }) =>
    inputs.every(({ fixed, betweenLayers }) => !fixed || betweenLayers !== undefined),
  );
}

import { checkOptions } from "../core/options.js";
import { cosine } from "./cosine.js";
import { decoupled } from "./decoupled.js";
import { differential } from "./differential.js";
import { elliptical } from "./elliptical.js";
import { factored } from "./factored.js";
import { gaussian, gaussianOptions, type GaussianOptions } from "./gaussian.js";
import type { AttentionKernel } from "./kernel.js";
import { laplacian } from "./laplacian.js";
import { linear } from "./linear.js";
import { mahalanobis } from "./mahalanobis.js";
import { pairwise } from "./pairwise.js";
import { polynomial } from "./polynomial.js";
import { relativePosition } from "./relative-position.js";
import { relu } from "./relu.js";
import { sigmoid } from "./sigmoid.js";
import { softmax } from "./softmax.js";
import { spatial } from "./spatial.js";
import { symmetric } from "./symmetric.js";

/** Every kernel of the library by name, as its factory with the literature's defaults. */
export const kernels: Readonly<Record<string, () => AttentionKernel>> = {
  softmax,
  gaussian,
  gaussianNormalized: (options: Pick<GaussianOptions, "gamma"> = {}) =>
    gaussian({ ...checkOptions("gaussianNormalized", options, { gamma: gaussianOptions.gamma }), normalize: true }),
  mahalanobis,
  elliptical,
  symmetric,
  pairwise,
  relativePosition,
  decoupled,
  cosine,
  sigmoid,
  relu,
  polynomial,
  laplacian,
  linear,
  factored,
  spatial,
  differential,
};

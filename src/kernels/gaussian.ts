import shader from "../../shaders/kernels/gaussian.wgsl";
import { flag, positive } from "../core/kinds.js";
import { checkOptions, type Kinds } from "../core/options.js";
import { exponentialHook, exponentialWeight, innerProductHook } from "./hooks.js";
import type { TiledKernel, WeightBounds } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** Options of `gaussian`. */
export interface GaussianOptions {
  /** Precision γ of the Gaussian, in inverse squared units of q and k. Default 1/√d. */
  readonly gamma?: number;
  /** Divide the weights of a row by their sum. Default false. */
  readonly normalize?: boolean;
}

export const gaussianOptions: Kinds<GaussianOptions> = { gamma: positive, normalize: flag };

/**
 * Bounds where ‖q - k‖ differs from `distance` by at most `reach`.
 *
 * With t = γ‖q-k‖²: w = e^(-t/2) falls, ‖∇w‖ = √(γt) e^(-t/2) is largest at t = 1, and ∇²w has the
 * eigenvalues
 * -γe^(-t/2), which shrinks, and γ(t-1)e^(-t/2), which is largest at t = 3.
 */
function gaussianBounds(gamma: number, distance: number, reach: number): WeightBounds {
  const root = Math.sqrt(gamma);
  const near = root * Math.max(0, distance - reach);
  const at = (peak: number): number => Math.min(Math.max(peak, near), root * (distance + reach));
  const weight = (x: number): number => Math.exp(-(x ** 2) / 2);
  const [steep, bent] = [at(1), at(Math.sqrt(3))];
  return {
    weight: weight(near),
    slope: root * steep * weight(steep),
    curvature: gamma * Math.max(weight(near), (bent ** 2 - 1) * weight(bent)),
  };
}

/**
 * Gaussian attention: weights e^s with s = -γ/2‖q-k‖², not row-normalised unless `normalize` is set.
 *
 * Learns `gamma` (one number, or one a head) when a tensor of that name is passed. In float32 an unnormalised weight,
 * and its gradient with it, is zero once γ/2‖q-k‖² exceeds about 100. Source: Chen, Zeng, Ji & Yang, Skyformer,
 * arXiv 2111.00035.
 */
export function gaussian(options: GaussianOptions = {}): TiledKernel {
  const { gamma, normalize = false } = checkOptions("gaussian", options, gaussianOptions);
  return {
    ...printedKernel,
    name: normalize ? "gaussian (row-normalised)" : "gaussian",
    normalizer: normalize ? "softmax" : "none",
    ofDifferences: true,
    parameters: [{ name: "gamma", initial: ({ dim }) => gamma ?? 1 / Math.sqrt(dim) }],
    shaders: [innerProductHook, exponentialHook, { file: "kernels/gaussian.wgsl", text: shader }],
    derivativeBounds: ([gamma]) =>
      normalize
        ? { of: "query", slope: gamma, keys: "difference" }
        : { of: "difference", ...gaussianBounds(gamma, 0, Infinity), within: gaussianBounds.bind(null, gamma) },
    formula: {
      ...exponentialWeight,
      score: ({ distance }, [gamma]) => -0.5 * gamma * distance,
      partials({ distance }, [gamma], into) {
        into.product = gamma!;
        into.queryNorm = -0.5 * gamma;
        into.keyNorm = -0.5 * gamma;
        into.parameters[0] = -0.5 * distance;
      },
    },
  };
}

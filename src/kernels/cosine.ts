import shader from "../../shaders/kernels/cosine.wgsl";
import { positive } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { exponentialHook, exponentialWeight, innerProductHook } from "./hooks.js";
import type { Pair, TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** Options of `cosine`. */
export interface CosineOptions {
  /** τ; below 0.01 it counts as 0.01. Default 0.1. */
  readonly temperature?: number;
}

const SMALLEST_TEMPERATURE = 0.01;

const reciprocalLengths = ({ queryNorm, keyNorm }: Pair): number =>
  queryNorm > 0 && keyNorm > 0 ? 1 / (Math.sqrt(queryNorm) * Math.sqrt(keyNorm)) : 0;

/**
 * Cosine attention: s = q·k / (‖q‖ ‖k‖ τ), weights e^s divided by their row sum; a zero vector has score 0
 * and gradient 0.
 *
 * Learns τ when a tensor `temperature` is passed. Source: Liu et al., Swin Transformer V2, arXiv 2111.09883, which
 * bounds 1/τ by 100.
 */
export function cosine(options: CosineOptions = {}): TiledKernel {
  const { temperature = 0.1 } = checkOptions("cosine", options, { temperature: positive });
  const score = (pair: Pair, [tau]: Float64Array): number =>
    (pair.product * reciprocalLengths(pair)) / Math.max(tau, SMALLEST_TEMPERATURE);
  return {
    ...printedKernel,
    name: "cosine",
    normalizer: "softmax",
    parameters: [{ name: "temperature", initial: () => temperature }],
    shaders: [innerProductHook, exponentialHook, { file: "kernels/cosine.wgsl", text: shader }],
    formula: {
      ...exponentialWeight,
      score,
      partials(pair, parameters, into) {
        const s = score(pair, parameters);
        const tau = Math.max(parameters[0], SMALLEST_TEMPERATURE);
        into.product = reciprocalLengths(pair) / tau;
        into.queryNorm = pair.queryNorm > 0 ? (-0.5 * s) / pair.queryNorm : 0;
        into.keyNorm = pair.keyNorm > 0 ? (-0.5 * s) / pair.keyNorm : 0;
        into.parameters[0] = parameters[0] > SMALLEST_TEMPERATURE ? -s / tau : 0;
      },
    },
  };
}

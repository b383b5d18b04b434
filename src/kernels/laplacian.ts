import manhattan from "../../shaders/lib/manhattan.wgsl";
import shader from "../../shaders/kernels/laplacian.wgsl";
import { positive } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { exponentialHook, exponentialWeight } from "./hooks.js";
import type { Component, TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** Options of `laplacian`. */
export interface LaplacianOptions {
  /** τ, in units of q and k. Default √d, the growth of the distance's spread with d. */
  readonly temperature?: number;
}

/** |x - y|, whose sum is the Manhattan distance. */
export const manhattanComponent: Component = {
  of: (x, y) => Math.abs(x - y),
  byQuery: (x, y) => Math.sign(x - y),
  byKey: (x, y) => Math.sign(y - x),
};

/**
 * Laplacian attention: s = -‖q-k‖₁/τ, weights e^s divided by their row sum.
 *
 * Learns τ when a tensor `temperature` is passed. The Laplace kernel with a softmax normaliser; where q and k agree in
 * a component its gradient there is 0.
 */
export function laplacian(options: LaplacianOptions = {}): TiledKernel {
  const { temperature } = checkOptions("laplacian", options, { temperature: positive });
  return {
    ...printedKernel,
    name: "laplacian",
    normalizer: "softmax",
    parameters: [{ name: "temperature", initial: ({ dim }) => temperature ?? Math.sqrt(dim) }],
    shaders: [
      { file: "lib/manhattan.wgsl", text: manhattan },
      exponentialHook,
      { file: "kernels/laplacian.wgsl", text: shader },
    ],
    formula: {
      ...exponentialWeight,
      component: manhattanComponent,
      score: ({ product }, [tau]) => -product / tau,
      partials({ product }, [tau], into) {
        into.product = -1 / tau;
        into.queryNorm = 0;
        into.keyNorm = 0;
        into.parameters[0] = product / tau ** 2;
      },
    },
  };
}

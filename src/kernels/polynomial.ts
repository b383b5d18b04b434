import identity from "../../shaders/lib/identity.wgsl";
import shader from "../../shaders/kernels/polynomial.wgsl";
import { finite, positive, whole } from "../core/kinds.js";
import { checkOptions } from "../core/options.js";
import { innerProductHook } from "./hooks.js";
import type { Shader, TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** Options of `polynomial`. */
export interface PolynomialOptions {
  /** p, a whole number. Even ones keep weights, and their row sum, from being negative. Default 2. */
  readonly degree?: number;
  /** c. Default 1. */
  readonly offset?: number;
  /** Multiplies q·k. Default 1/√d. */
  readonly scale?: number;
}

const identityHook: Shader = { file: "lib/identity.wgsl", text: identity };
const scoreHook: Shader = { file: "kernels/polynomial.wgsl", text: shader };

/**
 * The degree as a constant, so that compilers write the power out; one for each degree, so that programs are shared.
 */
const degrees = new Map<number, Shader>();

function degreeHook(degree: number): Shader {
  const known = degrees.get(degree) ?? { file: `generated (degree ${degree})`, text: `const DEGREE = ${degree}u;` };
  degrees.set(degree, known);
  return known;
}

/**
 * Polynomial attention: w = (scale·(q·k) + c)^p divided by the row sum, which an odd p may bring near zero.
 *
 * Learns c and the scale when tensors `offset` and `scale` are passed. Source: the family of Tsai et al., Transformer
 * Dissection, arXiv 1908.11775.
 */
export function polynomial(options: PolynomialOptions = {}): TiledKernel {
  const {
    degree = 2,
    offset = 1,
    scale,
  } = checkOptions("polynomial", options, { degree: whole(1), offset: finite, scale: positive });
  return {
    ...printedKernel,
    name: "polynomial",
    normalizer: "sum",
    parameters: [
      { name: "offset", initial: () => offset },
      { name: "scale", initial: ({ dim }) => scale ?? 1 / Math.sqrt(dim) },
    ],
    shaders: [innerProductHook, identityHook, scoreHook, degreeHook(degree)],
    formula: {
      score: ({ product }, [c, scale]) => (scale * product + c) ** degree,
      partials({ product }, [c, scale], into) {
        const byBase = degree * (scale * product + c) ** (degree - 1);
        into.product = scale * byBase;
        into.queryNorm = 0;
        into.keyNorm = 0;
        into.parameters[0] = byBase;
        into.parameters[1] = product * byBase;
      },
      weight: (score) => score,
      weightDerivative: () => 1,
    },
  };
}

import { ShapeError } from "../core/errors.js";
import { formatShape } from "../core/shape.js";
import type { Primitive } from "../core/tensor.js";
import type { TiledKernel } from "./kernel.js";

/** What the probe writes for a pair, in this order. */
export const probed = [
  "score",
  "score_partials.product",
  "score_partials.query_norm",
  "score_partials.key_norm",
  "score_by_parameters.x",
  "score_by_parameters.y",
  "score_by_parameters.z",
  "score_by_parameters.w",
  "weight",
  "weight_derivative",
] as const;

/**
 * A kernel's functions at given pairs: inputs pairs [count, 3] (product, ‖q‖², ‖k‖²) and parameters [1, P];
 * output [count, 10].
 */
export const probePrimitive: Primitive<{ readonly kernel: TiledKernel }> = {
  name: "probe",
  infer([pairs]) {
    if (pairs.length === 2 && pairs[1] === 3) return [[pairs[0], probed.length]];
    throw new ShapeError({ where: "probe", argument: "pairs", wanted: "[count, 3]", got: formatShape(pairs) });
  },
};

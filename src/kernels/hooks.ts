import exponential from "../../shaders/lib/exponential.wgsl";
import innerProduct from "../../shaders/lib/inner_product.wgsl";
import type { Formula, Shader } from "./kernel.js";

/** The pair product q·k. */
export const innerProductHook: Shader = { file: "lib/inner_product.wgsl", text: innerProduct };

/** The weight e^s in WGSL. */
export const exponentialHook: Shader = { file: "lib/exponential.wgsl", text: exponential };

/** The weight e^s in float64. */
export const exponentialWeight: Pick<Formula, "weight" | "weightDerivative"> = {
  weight: Math.exp,
  weightDerivative: (_score, weight) => weight,
};

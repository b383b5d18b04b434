import { ArgumentError } from "../core/errors.js";
import { callable, oneOf, record, text } from "../core/kinds.js";
import { checkOptions, needed, type Kinds } from "../core/options.js";
import { exponentialHook, exponentialWeight, innerProductHook } from "./hooks.js";
import type { Formula, KernelParameter, Normalizer, Shader, TiledKernel } from "./kernel.js";
import { printedKernel } from "./printing.js";

/** A kernel of one's own, for `defineKernel`. */
export interface KernelDefinition extends Omit<Formula, "weight" | "weightDerivative" | "component"> {
  readonly name: string;
  /** Default "softmax". */
  readonly normalizer?: Normalizer;
  /** What the kernel learns, with initial values: at most four, in the order in which the formulas get them. */
  readonly parameters?: Readonly<Record<string, number | KernelParameter["initial"]>>;
  /** φ and its derivative; e^s without them. */
  readonly weight?: Formula["weight"];
  readonly weightDerivative?: Formula["weightDerivative"];
  /**
   * The same in WGSL: `score(pair: Pair) -> f32`, `score_partials(pair: Pair) -> Partials`, `score_by_parameters(pair:
   * Pair) -> vec4f`, and with a weight of its own `weight(score: f32) -> f32` and `weight_derivative(score: f32,
   * weight: f32) -> f32`. A parameter is a function of its name: `alpha()`.
   */
  readonly wgsl: string;
}

const definitionKinds: Kinds<KernelDefinition> = {
  name: needed(text),
  normalizer: oneOf("softmax", "sum", "count", "none"),
  parameters: record,
  score: needed(callable),
  partials: needed(callable),
  weight: callable,
  weightDerivative: callable,
  wgsl: needed(text),
};

/**
 * A kernel of your own: out_i = Σ_j φ(s_ij) v_j / z_i, with s a function of q·k, ‖q‖² and ‖k‖².
 *
 * It runs on both backends, with masks, biases and gradients for q, k, v and its parameters, which may be passed as
 * tensors like those of any kernel. Check it with `gradcheckKernel`. Throws an `ArgumentError` for a definition that
 * cannot run.
 *
 * @example
 * const wgsl = `fn score(pair: Pair) -> f32 { return pair.product; }
 *   fn score_partials(pair: Pair) -> Partials { return Partials(1.0, 0.0, 0.0); }
 *   fn score_by_parameters(pair: Pair) -> vec4f { return vec4f(); }`;
 * defineKernel({ name: "dot", wgsl, score: (pair) => pair.product, partials: (pair, _, by) => void (by.product = 1) });
 */
export function defineKernel(definition: KernelDefinition): TiledKernel {
  const {
    name,
    normalizer = "softmax",
    parameters = {},
    score,
    partials,
    weight,
    weightDerivative,
    wgsl,
  } = checkOptions("defineKernel", definition, definitionKinds, "definition");
  const complain = (argument: string, wanted: string, got: string): never => {
    throw new ArgumentError({ where: "defineKernel", argument, wanted, got });
  };
  const names = Object.keys(parameters);
  const misnamed = names.find(
    (parameter) => !/^[a-z][A-Za-z0-9]*$/.test(parameter) || ["q", "k", "v"].includes(parameter),
  );
  if (names.length > 4) complain("parameters", "at most four", String(names.length));
  if (misnamed !== undefined) complain("parameters", "names of letters and digits other than q, k and v", misnamed);
  if ((weight === undefined) !== (weightDerivative === undefined))
    complain("weight", "a weight and its derivative, or neither", "one of them");
  if (weight !== undefined && normalizer === "softmax")
    complain("normalizer", "sum, count or none with a weight of its own", "softmax");
  const accessors = names
    .map((parameter, index) => `fn ${parameter}() -> f32 { return learned[${index}]; }`)
    .join("\n");
  const shaders: Shader[] = [
    innerProductHook,
    { file: `${name} (parameters)`, text: accessors },
    { file: name, text: wgsl },
  ];
  if (weight === undefined) shaders.push(exponentialHook);
  const own = weight === undefined || weightDerivative === undefined ? exponentialWeight : { weight, weightDerivative };
  return {
    ...printedKernel,
    name,
    normalizer,
    parameters: Object.entries(parameters).map(([parameter, initial]) => ({
      name: parameter,
      initial: typeof initial === "number" ? () => initial : initial,
    })),
    formula: { score, partials, ...own },
    shaders,
  };
}

import { ArgumentError } from "../core/errors.js";
import { withText } from "../core/printing.js";
import { random } from "../core/random.js";
import { backend, whole, wholeNumber } from "../core/kinds.js";
import { checkArguments, checkOptions } from "../core/options.js";
import type { Backend } from "../core/tensor.js";
import type { Pair, Partials, TiledKernel } from "./kernel.js";
import { tiledKernel } from "./options.js";
import { probed, probePrimitive } from "./probe.js";

/** Options of `gradcheckKernel`. */
export interface GradcheckKernelOptions {
  /** A `Gpu`, to check the WGSL functions as well. */
  readonly gpu?: Backend;
  /** Width of the random queries and keys. Default 4. */
  readonly dim?: number;
  /** Random pairs. Default 64. */
  readonly pairs?: number;
  readonly seed?: number;
}

/** The largest disagreement of one function. */
export interface KernelFunctionReport {
  /** Such as "partials.product (TypeScript)" or "score (WGSL)". */
  readonly function: string;
  /** What it was compared with. */
  readonly against: string;
  readonly relativeError: number;
  readonly tolerance: number;
  readonly passed: boolean;
}

/** What `gradcheckKernel` found, by function of the kernel. */
export interface GradcheckKernelReport {
  readonly passed: boolean;
  /** The functions that are wrong; empty when all is well. */
  readonly wrong: readonly string[];
  readonly functions: readonly KernelFunctionReport[];
}

/** For float64 derivatives against five-point differences, and for float32 functions against float64. */
const EXACT = 1e-7;
const SINGLE = 1e-4;
const STEP = 1e-3;

/** Slope of f at x by five points, with an error of O(h⁴). */
function slope(f: (x: number) => number, x: number): number {
  const h = STEP * Math.max(1, Math.abs(x));
  return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h);
}

function report(
  name: string,
  against: string,
  actual: readonly number[],
  wanted: readonly number[],
  tolerance: number,
): KernelFunctionReport {
  const scale = wanted.reduce((a, b) => Math.max(a, Math.abs(b)), Number.MIN_VALUE);
  const differences = actual.map((value, index) => Math.abs(value - wanted[index]));
  const relativeError =
    differences.reduce((a, b) => (Number.isNaN(b) ? Infinity : Math.max(a, b)), 0) / Math.max(scale, 1e-6);
  return { function: name, against, relativeError, tolerance, passed: relativeError <= tolerance };
}

function pairOf(product: number, queryNorm: number, keyNorm: number): Pair {
  return { product, queryNorm, keyNorm, distance: queryNorm + keyNorm - 2 * product };
}

/**
 * Checks the four faces of a kernel against each other: its TypeScript derivatives against differences of its
 * TypeScript functions, and, given a `gpu`, its WGSL functions against the TypeScript ones. Names every function that
 * is wrong; never throws on a mismatch.
 */
export async function gradcheckKernel(
  kernel: TiledKernel,
  options: GradcheckKernelOptions = {},
): Promise<GradcheckKernelReport> {
  checkArguments("gradcheckKernel", { kernel }, { kernel: tiledKernel });
  const kinds = { gpu: backend, dim: whole(1), pairs: whole(1), seed: wholeNumber };
  const { gpu, dim = 4, pairs: count = 64, seed = 0 } = checkOptions("gradcheckKernel", options, kinds);
  if (gpu !== undefined && gpu.name !== "gpu") {
    throw new ArgumentError({
      where: "gradcheckKernel",
      argument: "gpu",
      wanted: "a Gpu",
      got: `the ${gpu.name} backend`,
    });
  }
  const { formula, parameters } = kernel;
  const learned = Float64Array.from(parameters, ({ initial }) =>
    initial({ batch: 1, heads: 1, queries: count, keys: count, dim }),
  );
  const generator = random(seed);
  const triples = Array.from({ length: count }, (): [number, number, number] => {
    const [q, k] = [generator.normals(dim), generator.normals(dim)];
    const inner = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, c) => sum + x * b[c], 0);
    return [inner(q, k), inner(q, q), inner(k, k)];
  });
  const functions: KernelFunctionReport[] = [];

  const exact = triples.map((triple) => {
    const pair = pairOf(...triple);
    const partials: Partials = { product: 0, queryNorm: 0, keyNorm: 0, parameters: new Float64Array(learned.length) };
    formula.partials(pair, learned, partials);
    const score = formula.score(pair, learned);
    const weight = formula.weight(score);
    return { triple, pair, partials, score, weight, weightDerivative: formula.weightDerivative(score, weight) };
  });
  (["product", "queryNorm", "keyNorm"] as const).forEach((member, place) => {
    const moved = (triple: readonly number[]) => (x: number) => {
      const [product, queryNorm, keyNorm] = triple.map((value, index) => (index === place ? x : value));
      return formula.score(pairOf(product, queryNorm, keyNorm), learned);
    };
    const wanted = exact.map(({ triple }) => slope(moved(triple), triple[place]));
    const actual = exact.map(({ partials }) => partials[member]);
    functions.push(report(`partials.${member} (TypeScript)`, "differences of score", actual, wanted, EXACT));
  });
  parameters.forEach(({ name }, place) => {
    const at = (pair: Pair) => (x: number) =>
      formula.score(
        pair,
        learned.map((value, index) => (index === place ? x : value)),
      );
    const wanted = exact.map(({ pair }) => slope(at(pair), learned[place]));
    const actual = exact.map(({ partials }) => partials.parameters[place]);
    functions.push(report(`partials.parameters: ${name} (TypeScript)`, "differences of score", actual, wanted, EXACT));
  });
  const slopes = exact.map(({ score }) => slope((x) => formula.weight(x), score));
  functions.push(
    report(
      "weightDerivative (TypeScript)",
      "differences of weight",
      exact.map(({ weightDerivative }) => weightDerivative),
      slopes,
      EXACT,
    ),
  );

  if (gpu !== undefined) {
    const inputs = [
      gpu.tensor(triples.flat(), [count, 3]),
      gpu.tensor(learned.length === 0 ? [0] : learned, [1, Math.max(1, learned.length)]),
    ];
    const [hooks] = gpu.run(probePrimitive, inputs, { kernel });
    const written = await hooks.read();
    for (const tensor of [...inputs, hooks]) tensor.dispose();
    probed.forEach((name, column) => {
      const parameter = column - 4;
      if (column >= 4 && column < 8 && parameter >= parameters.length) return;
      const wanted = exact.map(({ score, partials, weight, weightDerivative }) => {
        const byParameters = Array.from({ length: 4 }, (_, place) => partials.parameters[place]);
        return [
          score,
          partials.product,
          partials.queryNorm,
          partials.keyNorm,
          ...byParameters,
          weight,
          weightDerivative,
        ][column];
      });
      const actual = exact.map((_, index) => written[index * probed.length + column]);
      functions.push(report(`${name} (WGSL)`, "TypeScript", actual, wanted, SINGLE));
    });
  }
  const wrong = functions.filter(({ passed }) => !passed).map((entry) => entry.function);
  const verdict = wrong.length === 0 ? `passed: ${functions.length} functions agree` : `failed: ${wrong.join(", ")}`;
  return withText({ passed: wrong.length === 0, wrong, functions }, () => `gradcheckKernel ${kernel.name} ${verdict}`);
}

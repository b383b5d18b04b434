import { exponential, roots } from "./exponential.js";
import program from "./gelu.wat";
import { exportsOf } from "./wasm.js";

type Numbers = Float64Array | Float32Array;

/** √(2/π) and the factor of x³ in the tanh form of gelu. */
export const [GELU, CUBIC] = [Math.sqrt(2 / Math.PI), 0.044715];

/** From here on e^u counts as infinite. */
const INFINITE = 709;

/** x (1 + tanh t) / 2 = x / (1 + e^u), with t = √(2/π) (x + 0.044715 x³) and u = -2t. */
export function gelu(x: number): number {
  const u = -2 * GELU * (x + CUBIC * x * x * x);
  return x / (1 + (u >= INFINITE ? Infinity : exponential(u)));
}

type Gelus = (from: Numbers, to: Numbers) => void;

/** `gelus` in plain JavaScript. */
export const gelusPlainly: Gelus = (from, to) => {
  for (let at = 0; at < to.length; at++) to[at] = gelu(from[at]);
};

/** Numbers that are computed at a time, after the table of roots. */
const COUNT = 4096;

/** `gelus` by WebAssembly with two float64 lanes, the same bits; undefined where it is forbidden or has no SIMD. */
export function wasmGelus(): Gelus | undefined {
  const exports = exportsOf<{
    readonly memory: WebAssembly.Memory;
    readonly gelu: (at: number, end: number) => void;
  }>(program);
  if (exports === undefined) return undefined;
  const memory = new Float64Array(exports.memory.buffer);
  memory.set(roots);
  const start = roots.length;
  return (from, to) => {
    for (let at = 0; at < from.length; at += COUNT) {
      const part = from.subarray(at, at + COUNT);
      memory.set(part, start);
      exports.gelu(8 * start, 8 * (start + part.length));
      to.set(memory.subarray(start, start + part.length), at);
    }
  };
}

let own: Gelus | undefined;

/** gelu of every number of `from`, in `to`. */
export const gelus: Gelus = (from, to) => (own ??= wasmGelus() ?? gelusPlainly)(from, to);

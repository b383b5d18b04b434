import { exponential, roots } from "./exponential.js";
import program from "./gelu.wat";
import { exportsOf, memoryOf } from "./wasm.js";

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

/** Changes the numbers from the address `at` to before `end` to their gelu; an even number of them. */
export type GeluInPlace = (at: number, end: number) => void;

/**
 * gelu by WebAssembly with two float64 lanes, the same bits, for numbers in `memory`. It keeps a table at the start of
 * the memory, before `GELU_END`. Undefined where WebAssembly is forbidden or has no SIMD.
 */
export function geluInPlace(memory: WebAssembly.Memory): GeluInPlace | undefined {
  new Float64Array(memory.buffer).set(roots);
  return exportsOf<{ readonly gelu: GeluInPlace }>(program, memory)?.gelu;
}

/** The first address after the table of `geluInPlace`. */
export const GELU_END = roots.byteLength;

/** `gelus` by WebAssembly; undefined where there is none. */
export function wasmGelus(): Gelus | undefined {
  const memory = memoryOf(1);
  if (memory === undefined) return undefined;
  const change = geluInPlace(memory);
  if (change === undefined) return undefined;
  const numbers = new Float64Array(memory.buffer);
  const start = roots.length;
  return (from, to) => {
    for (let at = 0; at < from.length; at += COUNT) {
      const part = from.subarray(at, at + COUNT);
      numbers.set(part, start);
      change(8 * start, 8 * (start + part.length));
      to.set(numbers.subarray(start, start + part.length), at);
    }
  };
}

let own: Gelus | undefined;

/** gelu of every number of `from`, in `to`. */
export const gelus: Gelus = (from, to) => (own ??= wasmGelus() ?? gelusPlainly)(from, to);

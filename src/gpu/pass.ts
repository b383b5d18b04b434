import type { Shader } from "../kernels/kernel.js";
import type { Block } from "./memory.js";
import { checkSingle } from "./storage-type.js";

/** A number of a program: a u32, or an f32. */
export type Constant = number | { readonly f32: number };

/** A member of the uniform: a u32, or an f32, an i32, or numbers four by four. */
export type Word = Constant | { readonly i32: number } | { readonly vec4u: readonly number[] };

export const f32 = (value: number): { readonly f32: number } => ({ f32: value });
export const i32 = (value: number): { readonly i32: number } => ({ i32: value });
export const vec4u = (numbers: readonly number[]): { readonly vec4u: readonly number[] } => ({ vec4u: numbers });

/** Memory, or a tensor's, as an array of f32, or of another type, which may be a struct or an alias of the program. */
export type Binding = Block | { readonly of?: string; readonly block: Block };

export const arrayOf = (of: string, memory: Block | { readonly block: Block }): Binding => ({
  of,
  block: blockOf(memory),
});

/** What the memory is an array of. */
export const elementOf = (binding: Binding): string => ("of" in binding && binding.of) || "f32";

export const blockOf = (binding: Binding): Block => ("block" in binding ? binding.block : binding);

/**
 * One dispatch: which program, with which numbers and memory, how many workgroups.
 *
 * Everything has the name by which the shaders call it; the linker declares it (`gpu/link.ts`).
 */
export interface Pass {
  readonly shaders: readonly Shader[];
  /** Compile-time constants. */
  readonly constants: Readonly<Record<string, Constant>>;
  /** The members of `sizes`. */
  readonly uniform: Readonly<Record<string, Word>>;
  readonly reads: Readonly<Record<string, Binding>>;
  readonly writes: Readonly<Record<string, Binding>>;
  readonly workgroups: readonly [number, number, number];
}

/** The file of the pass itself, and what a generated line makes of it. */
export function labelOf({ shaders }: Pass): string {
  const file = shaders.filter((shader) => /^(passes|ops)\//.test(shader.file)).at(-1)?.file;
  const generated = shaders.find((shader) => shader.file.startsWith("generated"))?.file.replace("generated", "");
  return `${file}${generated ?? ""}`;
}

/** The WGSL type of a member of the uniform. */
export function typeOf(word: Word): string {
  if (typeof word === "number") return "u32";
  if ("f32" in word) return "f32";
  if ("i32" in word) return "i32";
  return word.vec4u.length === 4 ? "vec4u" : `array<vec4u, ${word.vec4u.length / 4}>`;
}

/** Writes the uniform from word `start` on, as WGSL lays out its struct. */
export function pack(uniform: Pass["uniform"], start: number, integers: Uint32Array, floats: Float32Array): void {
  let at = start;
  for (const name in uniform) {
    const word = uniform[name];
    if (typeof word === "number") integers[at++] = word;
    else if ("f32" in word) floats[at++] = word.f32;
    else if ("i32" in word) integers[at++] = word.i32;
    else {
      at = 4 * Math.ceil(at / 4);
      for (const number of word.vec4u) integers[at++] = number;
    }
  }
}

/** Refuses numbers of an operation that float32 would turn into infinity. */
export function checkFloats(where: string, { uniform }: Pass): void {
  for (const name in uniform) {
    const word = uniform[name];
    if (typeof word !== "number" && "f32" in word) checkSingle(where, "a number", word.f32);
  }
}

import type { Shader } from "../kernels/kernel.js";

/** A program: the files joined as text below a header of extensions and constants. WGSL's module scope does not depend on order. */
export interface Linked {
  readonly code: string;
  /** The file and line behind a line of the joined text, counted from 1. */
  readonly locate: (line: number) => string;
}

export function link(shaders: readonly Shader[], constants: Readonly<Record<string, number>>): Linked {
  const enables = [...new Set(shaders.flatMap(({ enables = [] }) => enables))].map((name) => `enable ${name};`);
  const header = Object.entries(constants).map(([name, value]) => `const ${name} = ${value}u;`);
  const files = [{ file: "header", text: [...enables, ...header].join("\n") }, ...shaders];
  const starts: number[] = [];
  let lines = 0;
  for (const { text } of files) {
    starts.push(lines);
    lines += text.split("\n").length;
  }
  return {
    code: files.map(({ text }) => text).join("\n"),
    locate(line) {
      const index = starts.filter((start) => start < line).length - 1;
      return `shaders/${files[index].file}:${line - starts[index]}`;
    },
  };
}

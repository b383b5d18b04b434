import { elementOf, typeOf, type Constant, type Pass } from "./pass.js";

/**
 * A program: the files joined as text below a header that declares what they share. WGSL's module scope does not depend
 * on order.
 */
export interface Linked {
  readonly code: string;
  /** The file and line behind a line of the joined text, counted from 1. */
  readonly locate: (line: number) => string;
}

const literal = (constant: Constant): string => (typeof constant === "number" ? `${constant}u` : `${constant.f32}f`);

/**
 * The extensions, the constants, the uniform `sizes` at binding 0, and memory to read, then to write, at those that
 * follow.
 */
function headerOf({ shaders, constants, uniform, reads, writes }: Omit<Pass, "workgroups">): string {
  const enables = [...new Set(shaders.flatMap(({ enables = [] }) => enables))].map((name) => `enable ${name};`);
  const consts = Object.entries(constants).map(([name, value]) => `const ${name} = ${literal(value)};`);
  const members = Object.entries(uniform).map(([name, word]) => `  ${name}: ${typeOf(word)},`);
  const memory = (bindings: Pass["reads"], access: string): string[] =>
    Object.entries(bindings).map(([name, binding]) => `var<storage, ${access}> ${name}: array<${elementOf(binding)}>;`);
  const variables = ["var<uniform> sizes: Sizes;", ...memory(reads, "read"), ...memory(writes, "read_write")];
  return [
    ...enables,
    ...consts,
    "struct Sizes {",
    ...members,
    "}",
    ...variables.map((variable, index) => `@group(0) @binding(${index}) ${variable}`),
  ].join("\n");
}

export function link(pass: Omit<Pass, "workgroups">): Linked {
  const files = [{ file: "header", text: headerOf(pass) }, ...pass.shaders];
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

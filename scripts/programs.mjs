import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import wabt from "wabt";
import { shaderText } from "./shader-text.mjs";

/** The bytes of a WebAssembly text in base64. */
async function assemble(name, source) {
  const module = (await wabt()).parseWat(name, source, { simd: true });
  try {
    module.validate();
    return Buffer.from(module.toBinary({}).buffer).toString("base64");
  } finally {
    module.destroy();
  }
}

/** A shader as a module whose default export is its text, WebAssembly as one whose is its bytes; else undefined. */
async function programModule(path, source) {
  if (path.endsWith(".wgsl")) return `export default ${JSON.stringify(shaderText(source))};`;
  if (path.endsWith(".wat")) return `export default "${await assemble(path, source)}";`;
  return undefined;
}

/** Programs as modules, for esbuild. */
export const programs = {
  name: "programs",
  setup(setup) {
    setup.onLoad({ filter: /\.(wgsl|wat)$/ }, async ({ path }) => ({
      contents: await programModule(path, readFileSync(path, "utf8")),
      loader: "js",
    }));
  },
};

/** Programs as modules, for Vite and Vitest. */
export const vitePrograms = () => ({
  name: "programs",
  async transform(code, id) {
    const module = await programModule(id, code);
    return module === undefined ? undefined : { code: module, map: null };
  },
});

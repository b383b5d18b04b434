import { build } from "esbuild";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPackage, type Installed } from "./installed.js";

/** Kilobytes that a minified page may load at first, by what it imports. */
const budgets = {
  "a mask": [2, 'export { causal } from "attention-kernels";'],
  "reading safetensors": [10, 'export { openSafetensors } from "attention-kernels/weights";'],
  "attention on a GPU": [130, 'export { attention, requestGpu, softmax } from "attention-kernels";'],
  "training an encoder on a GPU": [
    150,
    `import { indices, ops, random, requestGpu, softmax, valueAndGrad } from "attention-kernels";
     import { adam, encoder } from "attention-kernels/nn";
     export const all = [indices, ops.crossEntropy, random, requestGpu, softmax, valueAndGrad, adam, encoder];`,
  ],
  "all of the root": [260, 'import * as all from "attention-kernels"; console.log(all);'],
} as const;

describe("the packed tarball", () => {
  let installed: Installed;
  beforeAll(() => {
    installed = installPackage([]);
  });
  afterAll(() => installed.remove());

  it.each(Object.entries(budgets))("costs a page no more than its budget: %s", async (_, [kilobytes, contents]) => {
    const { metafile } = await build({
      stdin: { contents, resolveDir: installed.folder },
      absWorkingDir: installed.folder,
      bundle: true,
      minify: true,
      splitting: true, // what is imported on demand loads on demand
      format: "esm",
      outdir: "out",
      write: false,
      metafile: true,
    });
    const entry = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === "<stdin>")!;
    const first = new Set([entry[0]]);
    for (const name of first)
      for (const { path, kind } of metafile.outputs[name].imports) if (kind === "import-statement") first.add(path);
    const bytes = [...first].reduce((sum, name) => sum + metafile.outputs[name].bytes, 0);
    expect(bytes / 1000).toBeGreaterThan(1);
    expect(bytes / 1000).toBeLessThan(kilobytes);
  });

  it("has no dependencies, and takes at most 4 MB", () => {
    const packages = join(installed.folder, "node_modules");
    expect(readdirSync(packages)).toEqual(["attention-kernels"]);
    const sizes = readdirSync(packages, { recursive: true }).map((name) => statSync(join(packages, String(name))));
    const bytes = sizes.reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
    expect(bytes).toBeLessThan(4e6);
  });
});

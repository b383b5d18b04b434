import { join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPackage, type Installed } from "./installed.js";

/** What the compiler says about the consumer's file, library declarations included. */
function complaints(folder: string, options: ts.CompilerOptions): string[] {
  const program = ts.createProgram([join(folder, "types.ts")], {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
    strict: true,
    noEmit: true,
    types: [],
    skipLibCheck: false,
    preserveSymlinks: true,
    ...options,
  });
  return (
    ts
      .getPreEmitDiagnostics(program)
      .map(({ file, messageText }) => `${file?.fileName ?? ""}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`)
      // Other packages' declarations are theirs to mend.
      .filter((line) => !/node_modules\/(?!attention-kernels\/)/.test(line))
  );
}

describe("the packed declarations", () => {
  let installed: Installed;
  beforeAll(() => {
    installed = installPackage([]);
  });
  afterAll(() => installed.remove());

  it("compile under bundler resolution", () => {
    const options = { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
    expect(complaints(installed.folder, options)).toEqual([]);
  });

  it("compile under Node resolution", () => {
    const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext };
    expect(complaints(installed.folder, options)).toEqual([]);
  });
});

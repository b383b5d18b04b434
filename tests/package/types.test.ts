import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { installPackage, node, packageEntries, type Installed } from "./installed.js";

const require = createRequire(import.meta.url);
const compilers = { "5.9": "typescript", "6.0": "typescript6", "7.0": "typescript7" };
const settings = {
  "bundler resolution with the DOM": { module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom"] },
  "Node resolution without the DOM": { module: "nodenext", moduleResolution: "nodenext", lib: ["es2022"] },
};

describe("the packed declarations", () => {
  let installed: Installed;
  beforeAll(() => {
    installed = installPackage([]);
  });
  afterAll(() => installed.remove());

  for (const [version, name] of Object.entries(compilers)) {
    it.each(Object.entries(settings))(`compile in TypeScript ${version}: %s`, async (_, options) => {
      const compilerOptions = {
        target: "es2022",
        strict: true,
        noEmit: true,
        types: [],
        skipLibCheck: false,
        preserveSymlinks: true,
        ...options,
      };
      const commonjs = join(installed.folder, "types.cts");
      writeFileSync(commonjs, 'import { cpu } from "attention-kernels";\nexport const one = cpu.full(1, [1]);\n');
      writeFileSync(
        join(installed.folder, "tsconfig.json"),
        JSON.stringify({ compilerOptions, files: ["types.ts", "types.cts"] }),
      );
      const compiler = join(dirname(require.resolve(`${name}/package.json`)), "bin/tsc");
      expect(require(`${name}/package.json`)).toMatchObject({
        version: expect.stringMatching(`^${version}`) as string,
      });
      await expect(node(installed.folder, compiler, "-p", ".")).resolves.toBe("");
    });
  }

  it("do not accept what the library does not", async () => {
    writeFileSync(join(installed.folder, "wrong.ts"), 'import { cpu } from "attention-kernels"; cpu.full("1", [1]);\n');
    const compiler = require.resolve("typescript/bin/tsc");
    const failure = node(installed.folder, compiler, "--noEmit", "--module", "nodenext", "wrong.ts");
    await expect(failure).rejects.toMatchObject({ stdout: expect.stringMatching(/TS2345/) as string });
  });
});

describe("the declarations of the entry points", () => {
  const program = ts.createProgram(packageEntries("types"), {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
  });
  const checker = program.getTypeChecker();
  const entries = packageEntries("types").map((file) => checker.getSymbolAtLocation(program.getSourceFile(file)!)!);
  const target = (symbol: ts.Symbol): ts.Symbol =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  /** What a module exports, by name; members of its namespaces as "ops.add". */
  const exportsOf = (module: ts.Symbol, prefix = ""): [string, ts.Symbol][] =>
    checker.getExportsOfModule(module).flatMap((symbol) => {
      const own = target(symbol);
      return own.flags & ts.SymbolFlags.ValueModule
        ? exportsOf(own, `${prefix}${symbol.name}.`)
        : [[prefix + symbol.name, own] as [string, ts.Symbol]];
    });
  const exported = entries.flatMap((entry) => exportsOf(entry));
  const statements = program
    .getSourceFiles()
    .filter((file) => program.isSourceFileFromExternalLibrary(file) || /\/dist\//.test(file.fileName))
    .flatMap((file) => [...file.statements]);

  it("export every type that they mention", () => {
    const known = new Set(exported.map(([, symbol]) => symbol));
    const types = statements.filter(
      (statement) =>
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement) ||
        ts.isClassDeclaration(statement),
    );
    expect(types.length).toBeGreaterThan(100);
    expect(types.flatMap(({ name }) => (known.has(checker.getSymbolAtLocation(name!)!) ? [] : [name!.text]))).toEqual(
      [],
    );
  });

  it("mention no module of another package", () => {
    const modules = statements.flatMap((statement) =>
      (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) && statement.moduleSpecifier
        ? [(statement.moduleSpecifier as ts.StringLiteral).text]
        : [],
    );
    expect(modules.length).toBeGreaterThan(100);
    expect(modules.filter((name) => !name.startsWith("."))).toEqual([]);
  });

  it("have a comment on everything that they export", () => {
    expect(exported.length).toBeGreaterThan(250);
    const silent = exported.filter(([, symbol]) => symbol.getDocumentationComment(checker).length === 0);
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  const functions = exported.flatMap(([name, symbol]) =>
    checker
      .getTypeOfSymbol(symbol)
      .getCallSignatures()
      .map((signature) => ({ name, symbol, signature })),
  );
  const tagsOf = (symbol: ts.Symbol, tag: string): string[] =>
    symbol.getJsDocTags(checker).flatMap(({ name, text }) => (name === tag ? [ts.displayPartsToString(text)] : []));

  it("name every argument, but options, in the comment of its function", () => {
    expect(functions.length).toBeGreaterThan(160);
    const silent = functions.flatMap(({ name, symbol, signature: { parameters } }) => {
      const description = ts.displayPartsToString(symbol.getDocumentationComment(checker));
      const text = [description, ...tagsOf(symbol, "param")].join(" ");
      const positional = parameters.at(-1)?.name === "options" ? parameters.slice(0, -1) : parameters;
      const unnamed = positional.filter((parameter) => !new RegExp(`\\b${parameter.name}\\b`).test(text));
      return unnamed.map((parameter) => `${name}: ${parameter.name}`);
    });
    expect(silent).toEqual([]);
  });

  it("have an example where a function takes a callback or a record, or returns functions", () => {
    const isOwn = ({ declarations = [] }: ts.Symbol): boolean =>
      declarations.every((declaration) => /\/dist\//.test(declaration.getSourceFile().fileName));
    const typeOf = (symbol: ts.Symbol): ts.Type => checker.getTypeOfSymbol(symbol).getNonNullableType();
    const isCallable = (type: ts.Type): boolean => type.getCallSignatures().length > 0;
    const membersOf = (type: ts.Type): ts.Symbol[] => type.getProperties().filter(isOwn);
    const resultOf = (signature: ts.Signature): ts.Type => checker.getAwaitedType(signature.getReturnType())!;
    const results = functions.map(({ signature }) => resultOf(signature));
    /** Records that nobody writes, because the library makes them. */
    const made = new Set<ts.Symbol | undefined>(
      [
        ...results,
        ...results.flatMap((type) => type.getCallSignatures().map(resultOf)),
        ...exported.map(([, symbol]) => typeOf(symbol)),
      ].map((type) => type.getSymbol()),
    );
    made.delete(undefined);
    const isWritten = (parameter: ts.Symbol): boolean =>
      !made.has(typeOf(parameter).getSymbol()) &&
      !checker.isOptionalParameter(parameter.valueDeclaration as ts.ParameterDeclaration) &&
      membersOf(typeOf(parameter)).filter(({ flags }) => !(flags & ts.SymbolFlags.Optional)).length > 1;
    // what other functions take as it is
    const operands = ["Tensor", "Mask", "TiledKernel", "ComposedKernel"];
    const hasMethods = (type: ts.Type): boolean =>
      !operands.includes(type.getSymbol()?.name ?? "") && membersOf(type).some((member) => isCallable(typeOf(member)));
    const wanting = functions.filter(
      ({ signature, signature: { parameters } }) =>
        parameters.some((parameter) => isCallable(typeOf(parameter)) || isWritten(parameter)) ||
        isCallable(resultOf(signature)) ||
        hasMethods(resultOf(signature)),
    );
    expect(wanting.length).toBeGreaterThan(45);
    expect(wanting.flatMap(({ name, symbol }) => (tagsOf(symbol, "example").length === 1 ? [] : [name]))).toEqual([]);
  });
});

it("an editor shows the comment of a function where it is used", () => {
  const text =
    'import { ops, softmax } from "attention-kernels";\nimport { chain } from "attention-kernels/physics";\n' +
    "ops.matmul; softmax; chain;\n";
  const installed = installPackage([]);
  try {
    const file = join(installed.folder, "hover.ts");
    writeFileSync(file, text);
    const options = { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, types: [] };
    const service = ts.createLanguageService({
      ...ts.sys,
      useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
      getCompilationSettings: () => options,
      getScriptFileNames: () => [file],
      getScriptVersion: () => "1",
      getScriptSnapshot: (name) => ts.ScriptSnapshot.fromString(ts.sys.readFile(name) ?? ""),
      getDefaultLibFileName: (given) => ts.getDefaultLibFilePath(given),
    });
    const hover = (name: string): string =>
      ts.displayPartsToString(service.getQuickInfoAtPosition(file, text.lastIndexOf(name) + 1)?.documentation);
    expect(hover("matmul")).toMatch(/matrix product/);
    expect(hover("softmax")).toMatch(/dot-product attention/);
    expect(hover("chain")).toMatch(/sites/);
  } finally {
    installed.remove();
  }
});

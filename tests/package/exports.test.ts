import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

interface Conditions {
  readonly types: string;
  readonly default: string;
}

const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | Record<"import" | "require", Conditions>>;
};
const entries = Object.entries(exports).flatMap(([name, entry]) =>
  typeof entry === "string"
    ? []
    : (["import", "require"] as const).map((how) => [`${name}, ${how}`, how, entry[how]] as const),
);

/** The names under which a module's declarations promise a value, those in its namespaces as "ops.add". */
function declaredValues(file: string): string[] {
  const program = ts.createProgram([file], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const values = (module: ts.Symbol): string[] =>
    checker.getExportsOfModule(module).flatMap((symbol) => {
      const specifier = symbol.declarations?.find(ts.isExportSpecifier);
      if (specifier !== undefined && (specifier.isTypeOnly || specifier.parent.parent.isTypeOnly)) return [];
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      if (!(target.flags & ts.SymbolFlags.Value)) return [];
      return target.flags & ts.SymbolFlags.ValueModule
        ? [symbol.name, ...values(target).map((name) => `${symbol.name}.${name}`)]
        : [symbol.name];
    });
  return values(checker.getSymbolAtLocation(program.getSourceFile(file)!)!).sort();
}

/** What a module exports, with the members of those that are namespaces in its declarations. */
function exportedValues(module: Record<string, unknown>, namespaces: ReadonlySet<string>): string[] {
  const names = Object.keys(module).filter((name) => name !== "__esModule");
  return names
    .flatMap((name) => [
      name,
      ...(namespaces.has(name) ? Object.keys(module[name] as object).map((member) => `${name}.${member}`) : []),
    ])
    .sort();
}

describe("what the declarations call a value is exported, and nothing else", () => {
  it.each(entries)("%s", async (title, how, { types, default: file }) => {
    const declared = declaredValues(join(root, types));
    expect(declared.length).toBeGreaterThan(2);
    if (title.startsWith("., "))
      expect(declared).toEqual(expect.arrayContaining(["Gpu", "Tensor", "attention", "ops.add"]));
    const path = join(root, file);
    const module = (
      how === "import" ? await import(/* @vite-ignore */ pathToFileURL(path).href) : require(path)
    ) as Record<string, unknown>;
    const namespaces = new Set(
      declared.flatMap((name) => (name.includes(".") ? [name.slice(0, name.indexOf("."))] : [])),
    );
    expect(exportedValues(module, namespaces)).toEqual(declared);
  });
});

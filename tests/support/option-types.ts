import { fileURLToPath } from "node:url";
import ts from "typescript";

const index = fileURLToPath(new URL("../../src/standalone.ts", import.meta.url));

/** Records with optional members that are no options, but values that the library creates, reads or computes with. */
const things = new Set([
  "AttentionKernel",
  "TiledKernel",
  "ComposedKernel",
  "Mask",
  "Samples",
  "VariationalProblem",
  "DecodeInputs",
  "StoredTensors",
  "TransformerConfig",
]);

/** The functions of the entry points with a parameter whose type has optional members, by their names there. */
export function functionsWithOptions(): string[] {
  const program = ts.createProgram([index], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    strict: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(index)!;
  const isOption = (parameter: ts.Symbol): boolean => {
    const type = checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(parameter, source));
    const name = (type.aliasSymbol ?? type.getSymbol())?.name ?? "";
    if (things.has(name) || type.getCallSignatures().length > 0 || checker.isArrayLikeType(type)) return false;
    return (
      (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0 &&
      type.getProperties().some((member) => member.flags & ts.SymbolFlags.Optional)
    );
  };
  const search = (module: ts.Symbol, prefix: string): string[] =>
    checker.getExportsOfModule(module).flatMap((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      if (symbol.flags & ts.SymbolFlags.ValueModule) return search(symbol, `${exported.name}.`);
      if (!(symbol.flags & ts.SymbolFlags.Value)) return [];
      const signatures = checker.getTypeOfSymbolAtLocation(symbol, source).getCallSignatures();
      return signatures.some(({ parameters }) => parameters.some(isOption)) ? [prefix + exported.name] : [];
    });
  return search(checker.getSymbolAtLocation(source)!, "");
}

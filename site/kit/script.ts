const imported = /^import \{([^}]*)\} from "([^"]*)";\n/gm;

/**
 * One module of several: what each imports of packages once, at the top, and nothing of the files joined.
 *
 * @param sources texts of modules, each after those that it imports
 */
export function joined(...sources: readonly string[]): string {
  const names = new Map<string, Set<string>>();
  const bodies = sources.map((source) =>
    source
      .replace(imported, (_, list: string, from: string) => {
        if (from.startsWith(".")) return "";
        const known = names.get(from) ?? new Set();
        for (const name of list.split(",")) if (name.trim() !== "") known.add(name.trim());
        names.set(from, known);
        return "";
      })
      .trim(),
  );
  const imports = [...names].map(([from, list]) => `import { ${[...list].sort().join(", ")} } from "${from}";`);
  return `${imports.join("\n")}\n\n${bodies.join("\n\n")}\n`;
}

import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { commandLine } from "../../src/cli/main.js";

const output = { write: () => true, isTTY: false } as unknown as NodeJS.WriteStream;
const program = commandLine({ stdout: output, stderr: output }, () => undefined);

/** The flags of a command, such as "study text". */
function flagsOf(group: string, name: string): Set<string> | undefined {
  const command = program.commands.find((own) => own.name() === group)?.commands.find((own) => own.name() === name);
  return command && new Set([...command.options.map(({ long }) => long ?? ""), "--help"]);
}

it("every command in the documentation has only flags that there are", () => {
  const pages = ["README.md", "CONTRIBUTING.md"].concat(
    ["docs", "site/pages"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".md"))
        .map((name) => `${folder}/${name}`),
    ),
  );
  const commands = pages.flatMap((page) =>
    [...readFileSync(page, "utf8").matchAll(/\b(study|analyze) ([a-z]+)( [^`|\n]*?)?(?=[`|\n&;])/g)].map(
      ([text, group, name, rest = ""]) => ({ page, text, known: flagsOf(group, name), rest }),
    ),
  );
  const faults = commands.flatMap(({ page, text, known, rest }) =>
    known === undefined
      ? []
      : (rest.match(/(?<=\s)--[a-z0-9-]+/g) ?? [])
          .filter((flag) => !known.has(flag))
          .map((flag) => `${page}: ${flag} in ${text}`),
  );
  expect(commands.filter(({ known }) => known !== undefined).length).toBeGreaterThan(60);
  expect(faults).toEqual([]);
});

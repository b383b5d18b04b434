import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { Command, Option } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandLine, main } from "../../src/cli/main.js";
import { commandPath } from "../../src/cli/study.js";
import { rangeOf, type NumberSchema } from "../../src/studies/runner/schema.js";
import { tinyCorpus } from "../support/corpus.js";

let folder = "";
let data = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "numbers-"));
  data = await tinyCorpus(folder);
});
afterAll(() => rm(folder, { recursive: true }));

async function run(argv: readonly string[], signal?: AbortSignal) {
  const errors: string[] = [];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stdout.resume();
  stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const start = performance.now();
  const code = await main(argv, { stdout, stderr, ...(signal ? { signal } : {}) });
  const milliseconds = performance.now() - start;
  await new Promise((resolve) => setImmediate(resolve));
  return { code, stderr: errors.join(""), milliseconds };
}

/** Commands without subcommands. */
const leavesOf = (command: Command): Command[] =>
  command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
const silent = new PassThrough();
const commands = leavesOf(commandLine({ stdout: silent, stderr: silent }, () => undefined)).filter(
  (command) => !["merge", "report"].includes(command.name()),
);

const rangeIn = ({ parseArg }: Option): NumberSchema | undefined =>
  parseArg && "range" in parseArg ? (parseArg.range as NumberSchema) : undefined;
const flags = commands.flatMap((command) =>
  command.options.map((option) => ({ command, option, name: `${command.name()} ${option.long}` })),
);
const numeric = flags.flatMap((flag) => {
  const range = rangeIn(flag.option);
  return range === undefined ? [] : [{ ...flag, range }];
});

/** The command with its required arguments, on the smallest lattice, whose exact energy takes no time. */
function argvOf(command: Command, flag: string, out: string): string[] {
  const has = (name: string): boolean => command.options.some(({ long }) => long === name);
  const own = [
    ...(has("--data") ? ["--data", data] : []),
    ...(has("--chain") && flag !== "--chain" && flag !== "--side" ? ["--chain", "8"] : []),
  ];
  return [
    ...commandPath(command).slice(1),
    ...(command.registeredArguments.length > 0 ? [join(folder, "no-model")] : []),
    ...own,
    "--backend",
    "cpu",
    "--out",
    join(folder, out),
  ];
}

const absurd = [
  "-1",
  "0",
  "1e308",
  "-1e308",
  "2147483647",
  "4294967297",
  "99999999999999999999",
  "NaN",
  "Infinity",
  "text",
  "",
  " ",
  "0x10",
  "1.5",
  "1e-400",
  "١",
  "1\n",
  "1;2",
  "1".repeat(5000),
];

/** Whether a flag may take this text. */
function isInside(text: string, { least, most, whole }: NumberSchema): boolean {
  const value = Number(text);
  return /^-?[\d.]+(e-?\d+)?$/.test(text) && value >= least && value <= most && (!whole || /^\d+$/.test(text));
}

it("every numeric flag has a range that contains its default", () => {
  const taking = flags.filter(({ option }) => /<(n|x|list)>/.test(option.flags));
  expect(numeric.map(({ name }) => name)).toEqual(taking.map(({ name }) => name));
  expect(numeric.length).toBeGreaterThan(40);
  for (const { option, range, name } of numeric) {
    expect(range.most, name).toBeLessThan(2 ** 31 - 1);
    const defaults = option.defaultValue === undefined ? [] : [option.defaultValue].flat();
    for (const value of defaults) expect(isInside(String(value), range), name).toBe(true);
  }
});

describe("a number out of range ends with exit code 2 and one line, at once, and writes nothing", () => {
  it.each(numeric)("$name", async ({ command, option, range }) => {
    const texts = [...absurd, String(range.least - 1), String(range.most + 1)].filter((text) => !isInside(text, range));
    expect(texts.length).toBeGreaterThan(absurd.length / 2);
    for (const text of texts) {
      const { code, stderr, milliseconds } = await run([
        ...argvOf(command, option.long!, "refused"),
        `${option.long}=${text}`,
      ]);
      expect([code, stderr.trimEnd().split("\n").length], text).toEqual([2, 1]);
      expect(stderr).toContain(`option '${option.flags}' argument`);
      expect(stderr.length).toBeLessThan(1100);
      expect(stderr).toContain(rangeOf(range));
      expect(milliseconds).toBeLessThan(2000);
    }
    expect(await readdir(folder)).toEqual(["tiny.csv"]);
  });
});

describe("the largest number is refused for the memory that it needs, or its study stops when told to", () => {
  it.each(numeric)(
    "$name",
    async ({ command, option, range, name }) => {
      const out = name.replace(/\W+/g, "-");
      const { code, stderr } = await run(
        [...argvOf(command, option.long!, out), `${option.long}=${range.most}`],
        AbortSignal.abort(),
      );
      expect([2, 130], stderr).toContain(code);
      expect(stderr).toMatch(code === 2 ? /^[^\n]{20,1100}\n$/ : /^$/);
      await rm(join(folder, out), { recursive: true, force: true });
    },
    20_000,
  );
});

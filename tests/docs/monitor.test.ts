import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import { expect, it } from "vitest";
import * as library from "../../src/standalone.js";
import { warningNames } from "../../src/analysis/monitor/findings.js";

const page = readFileSync(new URL("../../docs/monitor.md", import.meta.url), "utf8");
const [, code] = /```js\n([^]*?)```/.exec(page)!;

it("docs/monitor.md runs, and prints what it says", async () => {
  const lines: string[] = [];
  const names = { ...library, console: { log: (line: string) => lines.push(line) } };
  const run = compileFunction(`return (async () => { ${code} })()`, Object.keys(names)) as (
    ...values: unknown[]
  ) => Promise<void>;
  await run(...Object.values(names));
  const [, said] = /prints what is wrong and what to do: `(.*)`/.exec(page)!;
  const [start, end] = said.split(" ... ");
  expect(lines).toHaveLength(1);
  expect(lines[0].slice(0, start.length)).toBe(start);
  expect(lines[0].slice(-end.length)).toBe(end);
});

it("docs/monitor.md has every warning", () => {
  for (const name of warningNames) expect(page).toContain(`| \`${name}\` |`);
});

import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import { expect, it } from "vitest";
import * as library from "../../src/standalone.js";
import { inputOf, load } from "../support/loaded.js";
import { storedModels } from "../support/stored-models/index.js";

const page = readFileSync(new URL("../../docs/relevance.md", import.meta.url), "utf8");
const [, code] = /```js\n([^]*?)```/.exec(page)!;

it("docs/relevance.md runs", async () => {
  const [bert] = storedModels;
  const model = await load(library.cpu, bert);
  const names = { ...library, model, ids: inputOf(library.cpu, bert) };
  const body = code.replace(/^import .*\n/gm, "");
  const run = compileFunction(
    `return (async () => { ${body}; return { dependence, logits }; })()`,
    Object.keys(names),
  ) as (...values: unknown[]) => Promise<{ readonly dependence: number[][]; readonly logits: library.Tensor }>;
  const { dependence, logits } = await run(...Object.values(names));
  expect(dependence.map((heads) => heads.length)).toEqual([2, 2]);
  expect(dependence.flat().every((rho) => rho > 0)).toBe(true);
  expect(logits.shape).toEqual([2, 3]);
});

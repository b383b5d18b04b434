import { describe, expect, it } from "vitest";
import * as library from "../../src/standalone.js";
import { ArgumentError, AttentionKernelsError, cpu } from "../../src/index.js";
import { functionsWithOptions } from "../support/option-types.js";
import type { Example } from "../support/example.js";
import { examples } from "../support/public-functions.js";

type Callable = (...given: readonly unknown[]) => unknown;

const isClass = (value: unknown): boolean =>
  typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));

/** Every function of all entry points, by name; those of ops, physics, kernels and cpu behind their names. */
function publicFunctions(exported: Readonly<Record<string, unknown>>, prefix = ""): Map<string, Callable> {
  const found = new Map<string, Callable>();
  for (const [name, value] of Object.entries(exported)) {
    if (typeof value === "function" && !isClass(value)) found.set(prefix + name, value as Callable);
    if (["ops", "physics", "kernels", "cpu"].includes(prefix + name))
      for (const [inner, call] of publicFunctions(value as typeof exported, `${name}.`)) found.set(inner, call);
  }
  for (const internal of ["cpu.adopt", "cpu.run"]) found.delete(internal);
  return found;
}

const functions = publicFunctions(library);
const callOf = (name: string, { call }: Example): Callable => (call as Callable | undefined) ?? functions.get(name)!;

/** What a call throws or rejects with; undefined where it does neither. */
async function failureOf(call: Callable, given: readonly unknown[]): Promise<unknown> {
  try {
    await call(...given);
    return undefined;
  } catch (error) {
    return error;
  }
}

const replaced = (given: readonly unknown[], at: number, value: unknown): unknown[] =>
  given.map((argument, index) => (index === at ? value : argument));

const wrong: Readonly<Record<string, unknown>> = {
  nothing: undefined,
  null: null,
  number: 7,
  "negative fraction": -0.5,
  text: "text",
  truth: true,
  "empty array": [],
  "array of texts": ["text"],
  object: {},
  function: () => 7,
  promise: Promise.resolve(7),
  tensor: cpu.full(1, [1]),
};

/** Needs an adapter: only what goes wrong before is tried. */
const needsAdapter = new Set(["requestGpu", "wrapDevice"]);

it("every public function has an example", () => {
  const missing = [...functions.keys()].filter((name) => !(name in examples));
  const gone = Object.entries(examples).flatMap(([name, { call }]) =>
    call === undefined && !functions.has(name) ? [name] : [],
  );
  expect({ missing, gone }).toEqual({ missing: [], gone: [] });
});

it("no function takes options, by its types, of which its example knows nothing", () => {
  const found = functionsWithOptions();
  expect(found.length).toBeGreaterThan(40);
  expect(found.filter((name) => examples[name]?.options === undefined)).toEqual([]);
});

/** Masks list their options and suggest none, so that a page with a mask alone stays small. */
const listsOnly = new Set(["causal", "lengths", "slidingWindow"]);

describe.each(Object.entries(examples))("%s", (name, example) => {
  const call = callOf(name, example);

  it.skipIf(needsAdapter.has(name))("takes its example", async () => {
    expect(await failureOf(call, example.given())).toBeUndefined();
  });

  it("answers arguments of another kind, none at all or fewer with the library's own error", async () => {
    const count = example.given().length;
    const leaks: string[] = [];
    const attempt = async (title: string, given: readonly unknown[]): Promise<void> => {
      const error = await failureOf(call, given);
      if (error !== undefined && !(error instanceof AttentionKernelsError))
        leaks.push(`${title}: ${error instanceof Error ? error.message : typeof error}`);
    };
    const skipped = needsAdapter.has(name) ? ["nothing", "object"] : [];
    for (let fewer = needsAdapter.has(name) ? count : 0; fewer < count; fewer++)
      await attempt(`${fewer} arguments`, example.given().slice(0, fewer));
    for (let at = 0; at < count; at++) {
      for (const [kind, value] of Object.entries(wrong))
        if (!skipped.includes(kind)) await attempt(`argument ${at + 1}: ${kind}`, replaced(example.given(), at, value));
    }
    expect(leaks).toEqual([]);
  });

  const { options } = example;
  if (options === undefined) return;

  it("refuses an option that it does not know, and names those that it does", async () => {
    const known = example.given()[options] as Readonly<Record<string, unknown>>;
    const error = await failureOf(call, replaced(example.given(), options, { ...known, quux: 1 }));
    expect(error).toBeInstanceOf(ArgumentError);
    expect(String(error)).toContain("quux: wanted ");
    for (const option of Object.keys(known)) expect(String(error)).toContain(option);
  });

  if (listsOnly.has(name)) return;
  it("leads a misspelt option to the right one", async () => {
    const known = example.given()[options] as Readonly<Record<string, unknown>>;
    for (const [option, value] of Object.entries(known)) {
      const error = await failureOf(
        call,
        replaced(example.given(), options, { ...known, [`${option.toUpperCase()}_`]: value }),
      );
      expect(String(error)).toContain(`Did you mean ${option}?`);
    }
  });

  it.each(["null", "number", "text", "truth", "empty array", "promise", "tensor", "function"])(
    "refuses options that are a %s",
    async (kind) => {
      expect(await failureOf(call, replaced(example.given(), options, wrong[kind]))).toBeInstanceOf(ArgumentError);
    },
  );
});

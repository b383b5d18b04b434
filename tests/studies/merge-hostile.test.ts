import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { dynamics as dynamicsStudy } from "../../src/studies/dynamics/study.js";
import { random } from "../../src/core/random.js";
import { toJson } from "../../src/studies/runner/results.js";
import { violation, type Schema } from "../../src/studies/runner/schema.js";
import { studies } from "../../src/studies/registry.js";
import { schemaOf, type Chosen, type Declared } from "../../src/studies/runner/options.js";
import { optionsOf } from "../support/study.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hostile-"));
  await mkdir(join(folder, "shard"));
});
afterAll(() => rm(folder, { recursive: true }));

const rings: Chosen<Declared> = {
  extents: [6, 6],
  j2: -1,
  lengths: [4, 6],
  sampling: "draws",
} as unknown as Chosen<Declared>;
/** Options of every study: the defaults, those of its presets, and of a wave function with rings. */
const configurations: Readonly<Record<string, readonly unknown[]>> = Object.fromEntries(
  studies.map((study) => {
    const presets = Object.values(study.presets ?? {}).map(({ options }) => optionsOf(study, options));
    return [
      study.name,
      [optionsOf(study), ...presets, ...(study.name === "wavefunction" ? [optionsOf(study, rings)] : [])],
    ];
  }),
);

/** Results of a study that has measured nothing. */
const resultsOf = (study: string) => ({
  study,
  partial: false,
  seed: 1,
  command: "test",
  device: { kind: "cpu", name: "float64 on the CPU" },
  versions: { node: process.version },
  startedAt: "2000-01-01T00:00:00.000Z",
  seconds: 1,
  configuration: configurations[study][0],
});

/** The output of `study merge` for a file. */
async function merged(text: string | Buffer): Promise<{ code: number; stderr: string }> {
  await writeFile(join(folder, "shard", "results.json"), text);
  const errors: string[] = [];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  const code = await main(["study", "merge", join(folder, "shard"), "--out", join(folder, "out")], { stdout, stderr });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, stderr: errors.join("") };
}

const hostile: readonly unknown[] = [
  undefined,
  null,
  true,
  1e9,
  -1,
  0.5,
  "NaN",
  "-Infinity",
  "<script>alert(1)</script>",
  "../../x\u001b[2J\n",
  [],
  {},
  [[]],
  { toString: 1 },
  Array.from({ length: 100 }, () => 1),
];

type Path = readonly string[];

/** Every place of a tree, branches before their content. */
function places(tree: unknown, path: Path = []): Path[] {
  const inside =
    typeof tree === "object" && tree !== null
      ? Object.entries(tree).flatMap(([name, branch]) => places(branch, [...path, name]))
      : [];
  return path.length === 0 ? inside : [path, ...inside];
}

/** The tree with another value at a place. */
function changed(tree: unknown, [name, ...rest]: Path, value: unknown): unknown {
  if (name === undefined) return value;
  const copy = (Array.isArray(tree) ? [...(tree as unknown[])] : { ...(tree as object) }) as Record<string, unknown>;
  copy[name] = changed(copy[name], rest, value);
  if (copy[name] === undefined) delete copy[name];
  return copy;
}

/** The part of a schema at a place. */
function schemaAt(schema: Schema, [name, ...rest]: Path): Schema {
  if (name === undefined) return schema;
  if (schema.kind === "optional") return schemaAt(schema.of, [name, ...rest]);
  if (schema.kind === "list" || schema.kind === "map") return schemaAt(schema.item, rest);
  if (schema.kind !== "record") throw new Error(`${schema.kind} has no ${name}`);
  return schemaAt(schema.fields[name], rest);
}

/** A place as error messages write it. */
const named = (root: string, path: Path): string =>
  path.reduce((words, name) => (/^\d+$/.test(name) ? `${words}[${name}]` : `${words}.${name}`), root);

it("the options of every study are valid in its results", () => {
  for (const { name, options } of studies)
    for (const own of configurations[name]) expect(violation(schemaOf(options), own, name)).toBeUndefined();
});

describe.each(studies)("a configuration of study $name", ({ name, options }) => {
  const configuration = schemaOf(options);
  it("is refused, by the field, for a wrong value anywhere", () => {
    for (const own of configurations[name]) {
      const missed = places(own).flatMap((path) => {
        const [schema, place] = [schemaAt(configuration, path), named("configuration", path)];
        return hostile.flatMap((value) => {
          const wanted = violation(schema, value, place);
          const found = violation(configuration, changed(own, path, value), "configuration");
          // a missing item of a list leaves a hole, which the list's schema may report
          return found?.path === wanted?.path || (value === undefined && found !== undefined)
            ? []
            : [{ place, value, wanted, found }];
        });
      });
      expect(missed).toEqual([]);
      expect(violation(configuration, { ...(own as object), extra: 1 }, "configuration")).toMatchObject({
        path: "configuration.extra",
      });
    }
  });

  it("limits every number", () => {
    const look = (schema: Schema, path: string): void => {
      if (schema.kind === "record")
        Object.entries(schema.fields).forEach(([field, own]) => look(own, `${path}.${field}`));
      else if (schema.kind === "list" || schema.kind === "map") look(schema.item, path);
      else if (schema.kind === "optional") look(schema.of, path);
      else if (schema.kind === "number" && schema.whole) expect(schema.most, path).toBeLessThan(1e9);
    };
    look(configuration, name);
  });
});

describe("study merge", () => {
  const dynamics = resultsOf("dynamics");
  const lines = (stderr: string): number => stderr.trimEnd().split("\n").length;

  it.each([
    ["configuration: null", { ...dynamics, configuration: null }, /configuration: wanted fields samples, .*got null/],
    [
      "seeds: 1e9",
      changed(dynamics, ["configuration", "experiments", "matrices", "seeds"], 1e9),
      /configuration\.experiments\.matrices\.seeds: wanted a whole number from 1 to 10000, got 1000000000/,
    ],
    [
      "seed: a script",
      { ...dynamics, seed: "<script>alert(1)</script>" },
      /results\.seed: wanted a whole number .*got "<script>/,
    ],
    ["no study", { ...dynamics, study: undefined }, /results\.study: wanted text, got nothing/],
    [
      "another study",
      { ...dynamics, study: "x\u001b[2J" },
      /results\.study: wanted one of convergence, .*got x\\u001b\[2J/,
    ],
    ["a list", [dynamics], /results: wanted fields/],
    ["null", null, /results: wanted fields/],
    ["a version that is none", { ...dynamics, versions: { node: 20 } }, /results\.versions\.node: wanted text, got 20/],
    [
      "a device of no kind",
      { ...dynamics, device: { kind: "tpu", name: "x" } },
      /results\.device\.kind: wanted one of cpu, hardware, software, got "tpu"/,
    ],
    ["no device", { ...dynamics, device: null }, /results\.device: wanted fields kind, name, got null/],
    [
      "a kernel that is none",
      changed(dynamics, ["configuration", "experiments", "matrices", "kernels"], ["<img>"]),
      /kernel: wanted one of softmax, .*got <img>/,
    ],
    ["a field of its own", { ...dynamics, onload: 1 }, /results\.onload: wanted no such field, got 1/],
  ])("names the field of %s in one line", async (_, results, message) => {
    const { code, stderr } = await merged(toJson(results));
    expect([code, lines(stderr)], stderr).toEqual([2, 1]);
    expect(stderr).toMatch(message);
    expect(await readdir(folder)).toEqual(["shard"]);
  });

  it("gives one line for any damage of the file", async () => {
    const stream = random(23);
    const quick = optionsOf(dynamicsStudy);
    const few = Object.fromEntries(
      Object.entries(quick.experiments).map(([name, experiment]) => [
        name,
        { ...experiment, seeds: 1, subsets: [["query"]], kernels: ["softmax"] },
      ]),
    );
    const text = toJson({ ...dynamics, configuration: { ...quick, experiments: few } });
    const nested = `{"study":${"[".repeat(1e5)}`;
    const damaged = Array.from({ length: 24 }, () => {
      const bytes = Buffer.from(text);
      const place = stream.integer(bytes.length);
      if (stream.integer(2) === 0) bytes[place] ^= 1 << stream.integer(8);
      return stream.integer(3) === 0 ? bytes.subarray(0, place) : bytes;
    });
    for (const content of [...damaged, "", nested, `${nested}${"]".repeat(1e5)}}`, Buffer.alloc(1000)]) {
      const { code, stderr } = await merged(content);
      expect([code, lines(stderr)], stderr).toEqual([2, 1]);
      expect(stderr.length).toBeLessThan(1100);
    }
    expect(await readdir(folder)).toEqual(["shard"]);
  });
});

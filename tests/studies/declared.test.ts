import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { studies } from "../../src/studies/registry.js";
import { palette } from "../../src/studies/report/lines.js";
import { figure } from "../../src/studies/report/report.js";
import { whole } from "../../src/studies/runner/options.js";
import { declareStudy, type Study, type Task } from "../../src/studies/runner/study.js";

const counts = { data: 0, runs: 0 };

/** Powers of some numbers. */
const powers = declareStudy({
  name: "powers",
  question: "how fast do powers grow?",
  title: "Powers",
  options: {
    numbers: whole(3, { least: 1, most: 100, help: "numbers from 1 on" }),
    exponent: whole(2, { least: 1, most: 9, help: "their exponent" }),
  },
  presets: { cubes: { help: "the third power", options: { exponent: 3 } } },
  data: () => Promise.resolve(++counts.data),
  tasks: ({ numbers, exponent }, seed) =>
    Array.from({ length: numbers }, (_, index): Task<unknown, number> => ({
      name: `number ${index + seed}`,
      depends: () => exponent,
      run: () => Promise.resolve(counts.runs++ < 0 ? 0 : (index + seed) ** exponent),
    })),
  gather: (values: readonly number[]) => ({ values }),
  report: ({ values }) => ({
    answer: `The largest power is ${Math.max(...values)}.`,
    blocks: [
      figure(
        "powers",
        "Powers",
        {
          kind: "lines",
          series: [{ label: "power", color: palette.blue, x: values.map((_, index) => index), y: values }],
          xLabel: "number",
          yLabel: "power",
        },
        "All of them.",
      ),
    ],
  }),
});

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "declared-"));
  Object.assign(counts, { data: 0, runs: 0 });
});
afterEach(() => rm(out, { recursive: true }));

async function run(...argv: string[]) {
  const texts = { stdout: "", stderr: "" };
  const collect = (name: "stdout" | "stderr"): PassThrough =>
    new PassThrough().on("data", (chunk: Buffer) => (texts[name] += chunk.toString()));
  const code = await main(argv, { stdout: collect("stdout"), stderr: collect("stderr") }, [powers as unknown as Study]);
  await new Promise((resolve) => setImmediate(resolve));
  return { code, ...texts };
}
const study = (...argv: string[]) => run("study", "powers", "--backend", "cpu", ...argv);
const values = async (folder: string): Promise<unknown> =>
  (JSON.parse(await readFile(join(folder, "results.json"), "utf8")) as { measurements: { values: unknown } })
    .measurements.values;

describe("a study that is declared by one object", () => {
  it("has a command with help, defaults, ranges and presets", async () => {
    const { stdout } = await run("study", "powers", "--help");
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "--numbers <n> numbers from 1 on (default: 3) --exponent <n> their exponent (default: 2)",
    );
    expect((await study("--exponent", "10")).stderr).toContain("Wanted a whole number from 1 to 9.");
    await study("--cubes", "--out", out);
    expect(await values(out)).toEqual([1, 8, 27]);
    await study("--cubes", "--exponent", "1", "--out", out);
    expect(await values(out)).toEqual([1, 2, 3]);
  });

  it("runs only the chosen task", async () => {
    expect((await study("--only", "number 2", "--out", out)).code).toBe(0);
    expect([await values(out), counts]).toEqual([[4], { data: 1, runs: 1 }]);
    expect((await study("--only", "number 9", "--out", out)).stderr).toMatch(
      /--only: wanted words of the name of a run, such as "number 1"/,
    );
    expect(counts).toEqual({ data: 1, runs: 1 });
  });

  it("resumes, runs in shards, and is merged", async () => {
    await study("--numbers", "2", "--out", out);
    await study("--numbers", "5", "--out", out, "--resume");
    expect([await values(out), counts.runs]).toEqual([[1, 4, 9, 16, 25], 5]);
    const parts = join(out, "parts");
    for (const index of [1, 2]) await study("--numbers", "5", "--shard", `${index}/2`, "--out", parts);
    const { stdout } = await run(
      "study",
      "merge",
      join(parts, "shard-1-of-2"),
      join(parts, "shard-2-of-2"),
      "--out",
      parts,
    );
    expect(stdout).toContain("The largest power is 25.");
    expect(await values(parts)).toEqual([1, 4, 9, 16, 25]);
  });

  it("redraws its report from stored results", async () => {
    await study("--out", out);
    const files = ["report.html", "powers.svg"].map((name) => join(out, name));
    const before = await Promise.all(files.map((path) => readFile(path, "utf8")));
    await Promise.all(files.map((path) => rm(path)));
    const runs = counts.runs;
    expect((await run("study", "report", out)).stdout).toContain("The largest power is 9.");
    expect([await Promise.all(files.map((path) => readFile(path, "utf8"))), counts.runs]).toEqual([before, runs]);
  });

  it("refuses, in one line, to draw results that it did not measure", async () => {
    await study("--out", out);
    const path = join(out, "results.json");
    const stored = await readFile(path, "utf8");
    const { mtimeMs } = await stat(join(out, "report.html"));
    for (const [from, to, message] of [
      ['"exponent": 2', '"exponent": 99', /configuration\.exponent: wanted a whole number from 1 to 9, got 99/],
      [/"values": \[[^\]]*\]/, '"values": null', /wanted measurements of study powers/],
    ] as const) {
      await writeFile(path, stored.replace(from, to));
      const { code, stderr } = await run("study", "report", out);
      expect([code, stderr.trimEnd().split("\n").length]).toEqual([2, 1]);
      expect(stderr).toMatch(message);
    }
    expect((await stat(join(out, "report.html"))).mtimeMs).toBe(mtimeMs);
    expect((await readdir(out)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

it("every study is registered once, and is found by its folder", async () => {
  const names = studies.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const shared = ["comparison", "corpus", "report", "runner", "stored", "training"];
  const folders = (await readdir("src/studies", { withFileTypes: true }))
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  expect(folders.filter((name) => !shared.includes(name)).sort()).toEqual([...names].sort());
});

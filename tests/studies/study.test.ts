import { mkdtemp, open, readdir, readFile, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DataError } from "../../src/core/errors.js";
import { cpu } from "../../src/cpu/cpu.js";
import { palette } from "../../src/studies/report/lines.js";
import { figure, heading, table } from "../../src/studies/report/report.js";
import { conduct, type ConductOptions } from "../../src/studies/runner/conduct.js";
import { whole } from "../../src/studies/runner/options.js";
import { writeAtomically } from "../../src/studies/runner/results.js";
import { declareStudy, type Task } from "../../src/studies/runner/study.js";
import { studyOf } from "../support/study.js";

/** Measures 0, 1, 2, ..., one number a task, and checks in after each. */
const counting = declareStudy({
  name: "counting",
  question: "?",
  title: "A <title> & more",
  options: { until: whole(3, { least: 1, most: 9 }) },
  tasks: ({ until }) =>
    Array.from({ length: until }, (_, index): Task<unknown, number> => ({
      name: `count ${index}`,
      depends: () => index,
      async run(_data, work) {
        work.report({ kind: "progress", label: "count", done: index + 1, total: until });
        await work.checkpoint();
        return index === 2 ? Number.NaN : index;
      },
    })),
  gather: (values: readonly number[]) => ({ values }),
  report: ({ values }) => ({
    answer: `Counted ${values.length}.`,
    blocks: [
      heading("Numbers"),
      table("Values", ["value"], [["<script>"]]),
      figure(
        "curve",
        "Curve",
        {
          kind: "lines",
          series: [{ label: "count", x: [1, 2, 3], y: [1, 0.1, 0.01], color: palette.blue }],
          xLabel: "x",
          yLabel: "y",
          logarithmic: true,
        },
        "What was counted.",
      ),
    ],
  }),
});

/** A number, and its double, which needs it; `counts` are the runs of each. */
const doubling = (start: number, counts: { number: number; double: number }) =>
  declareStudy({
    name: "doubling",
    question: "?",
    title: "?",
    options: {},
    tasks: (): Task<unknown, number>[] => [
      {
        name: "number",
        depends: () => start,
        run: () => (counts.number++, Promise.resolve(start)),
      },
      {
        name: "double",
        needs: ["number"],
        depends: (_data, [number]) => number,
        run: (_data, _work, [number]) => (counts.double++, Promise.resolve(2 * number)),
      },
    ],
    gather: (values: readonly number[]) => ({ values }),
    report: () => ({ answer: "", blocks: [] }),
  });

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "study-"));
});
afterEach(() => rm(out, { recursive: true }));

const results = async (): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(join(out, "results.json"), "utf8")) as Record<string, unknown>;
const options = () => ({ backend: cpu, seed: 7, out, command: "attention-kernels study counting --seed 7" });

describe("conduct", () => {
  it("writes complete results, a report and the figures, and leaves no temporary file", async () => {
    await conduct(counting, { until: 3 }, options());
    expect((await readdir(out)).sort()).toEqual(["curve.svg", "report.html", "results.json", "tasks"]);
    expect(await results()).toMatchObject({
      study: "counting",
      partial: false,
      seed: 7,
      command: "attention-kernels study counting --seed 7",
      device: { kind: "cpu" },
      configuration: { until: 3 },
      measurements: { values: [0, 1, "NaN"] },
    });
    expect((await results())["versions"]).toMatchObject({
      node: process.version,
      "attention-kernels": expect.any(String) as string,
    });
  });

  it("keeps what was measured when it is stopped, marked partial", async () => {
    const controller = new AbortController();
    const { results: given } = await conduct(
      counting,
      { until: 5 },
      {
        ...options(),
        signal: controller.signal,
        report: (event) => event.kind === "progress" && event.done === 2 && setImmediate(() => controller.abort()),
      },
    );
    expect(given.partial).toBe(true);
    const stored = await results();
    expect(stored["partial"]).toBe(true);
    expect((stored["measurements"] as { values: number[] }).values.length).toBeLessThan(5);
    expect(await readFile(join(out, "report.html"), "utf8")).toContain("stopped before its end");
  });

  it("leaves the results of an earlier run when it is stopped before its first result", async () => {
    const controller = new AbortController();
    const stopped = studyOf("stopped", {
      a: async (work) => {
        controller.abort();
        await work.checkpoint();
        return 1;
      },
    });
    await conduct(counting, { until: 3 }, options());
    const files = () => Promise.all(["results.json", "report.html"].map((name) => readFile(join(out, name), "utf8")));
    const before = await files();
    const noted: string[] = [];
    const { results: given } = await conduct(
      stopped,
      {},
      { ...options(), signal: controller.signal, report: (event) => event.kind === "note" && noted.push(event.text) },
    );
    expect(given).toMatchObject({ partial: true });
    expect(given.measurements).toBeUndefined();
    expect(await files()).toEqual(before);
    expect(noted.join()).toContain("Nothing was measured yet");
    await rm(join(out, "results.json"));
    await conduct(stopped, {}, { ...options(), signal: controller.signal });
    expect(await results()).toMatchObject({ partial: true });
  });

  it("keeps what was measured when the study fails, and passes the error on", async () => {
    const failing = studyOf("failing", {
      a: () => Promise.resolve(1),
      b: () => Promise.reject(new Error("lost")),
    });
    await expect(conduct(failing, {}, options())).rejects.toThrow("lost");
    expect(await results()).toMatchObject({ partial: true, error: "lost", measurements: { values: [1] } });
  });

  it("does not touch the results of an earlier run when it fails before its first result", async () => {
    await writeFile(join(out, "results.json"), '{"earlier":true}');
    const failing = studyOf("failing", { a: () => Promise.reject(new Error("bad input")) });
    await expect(conduct(failing, {}, options())).rejects.toThrow("bad input");
    expect(await results()).toEqual({ earlier: true });
  });

  it("removes temporary files of killed processes, and nothing else", async () => {
    for (const name of ["results.json.123.tmp", "own.tmp"]) await writeFile(join(out, name), "{");
    await conduct(counting, { until: 1 }, options());
    expect((await readdir(out)).sort()).toEqual(["curve.svg", "own.tmp", "report.html", "results.json", "tasks"]);
  });

  it("names a folder that cannot be written", async () => {
    await writeFile(join(out, "file"), "");
    await expect(conduct(counting, { until: 1 }, { ...options(), out: join(out, "file") })).rejects.toThrow(DataError);
  });
});

it("has the content of a file on the disk before the file gets its name", async () => {
  const probe = await open(join(out, "probe"), "w");
  await probe.close();
  const prototype = Object.getPrototypeOf(probe) as FileHandle;
  const { sync } = prototype; // eslint-disable-line @typescript-eslint/unbound-method -- called on its handle below
  const seen: string[][] = [];
  const spy = vi.spyOn(prototype, "sync").mockImplementation(async function (this: FileHandle) {
    seen.push(await readdir(out), [String((await this.stat()).size)]);
    return sync.call(this);
  });
  await writeAtomically(out, "results.json", "12345");
  spy.mockRestore();
  expect(seen).toEqual([["probe", `results.json.${process.pid}.tmp`], ["5"]]);
  expect(await readFile(join(out, "results.json"), "utf8")).toBe("12345");
});

describe("report", () => {
  it("refers to nothing outside itself and runs nothing", async () => {
    await conduct(counting, { until: 3 }, options());
    const html = await readFile(join(out, "report.html"), "utf8");
    expect(html).not.toMatch(/https?:|\bsrc\s*=|\bhref\s*=|@import|url\(|<link|<script|<iframe|<img/i);
    expect(html).toContain("<svg");
    expect(html).toContain("&#60;script&#62;");
  });

  it("says with every figure what was measured, which seed, and how to repeat it", async () => {
    await conduct(counting, { until: 3 }, options());
    const caption = /<figcaption>(.*?)<\/figcaption>/s.exec(await readFile(join(out, "report.html"), "utf8"))?.[1];
    expect(caption?.replace(/\s+/g, " ")).toMatch(
      /What was counted\. Seed 7, on .*Repeat with <code>attention-kernels study counting --seed 7<\/code>/,
    );
  });

  it("writes figures as stand-alone SVG with their own legend", async () => {
    await conduct(counting, { until: 3 }, options());
    const svg = await readFile(join(out, "curve.svg"), "utf8");
    expect(svg).toMatch(/^<\?xml[^>]*>\s*<svg[^>]* xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toContain(">count</text>");
    expect(svg).toContain('fill="#ffffff"');
  });
});

describe("a task that needs another", () => {
  const counts = { number: 0, double: 0 };
  const run = (start: number, own: Partial<ConductOptions> = {}) =>
    conduct(doubling(start, counts), {}, { backend: cpu, seed: 1, out, command: "test", ...own });

  it("brings it, takes its result, and starts anew only if that changed", async () => {
    Object.assign(counts, { number: 0, double: 0 });
    expect((await run(3, { only: ["double"] })).results.measurements).toEqual({ values: [3, 6] });
    expect((await run(3, { resume: true })).results.measurements).toEqual({ values: [3, 6] });
    expect(counts).toEqual({ number: 1, double: 1 });
    expect((await run(4, { resume: true })).results.measurements).toEqual({ values: [4, 8] });
    expect(counts).toEqual({ number: 2, double: 2 });
  });

  it("is merged from the shard that ran it, and is named as missing where no shard did", async () => {
    const shard = (index: number, own: Partial<ConductOptions> = {}) =>
      run(3, { ...own, out: join(out, `${index}`), shard: { index, count: 2 } });
    await shard(1);
    const merge = (folders: readonly string[]) =>
      run(3, { out: join(out, `of-${folders.join("")}`), finishedIn: folders.map((name) => join(out, name)) });
    await expect(merge(["1"])).rejects.toThrow(/1 missing: double/);
    await shard(2);
    expect((await merge(["1", "2"])).results.measurements).toEqual({ values: [3, 6] });
    await rm(join(out, "2", "tasks", "number.json"));
    await expect(merge(["2"])).rejects.toThrow(/1 missing: number/);
  });
});

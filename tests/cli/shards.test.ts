import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle, ended, start, timelessResults } from "../support/processes.js";

let folder = "";
let program = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "shards-"));
  program = await bundle("src/cli/index.ts", folder);
});
afterAll(() => rm(folder, { recursive: true }));

const FLAGS = [
  "--backend",
  "cpu",
  "--seeds",
  "2",
  "--steps",
  "20",
  "--kernels",
  "softmax,gaussian",
  "--start-heads",
  "4",
  "--start-draws",
  "2",
];
const run = (...more: readonly string[]) => start(program, "study", "dynamics", ...FLAGS, ...more);
const shard = (index: number): string => join(folder, "parts", `shard-${index}-of-3`);

it(
  "run in shards by parallel processes and merged, a study has the results of one process",
  { timeout: 200_000 },
  async () => {
    const [whole, out] = [join(folder, "whole"), join(folder, "parts")];
    const shards = [1, 2, 3].map((index) => run("--shard", `${index}/3`, "--out", out));
    const first = text(shards[0].stdout!);
    expect(await Promise.all(shards.map(ended))).toEqual([0, 0, 0]);
    expect(await first).toContain(
      `Join the shards with: npx attention-kernels study merge ${out}/shard-*-of-3 --out ${out}`,
    );
    expect(await readFile(join(shard(1), "report.html"), "utf8")).toContain(
      "This is a part of the study: shard 1 of 3.",
    );
    const joined = start(program, "study", "merge", shard(3), shard(1), shard(2), "--out", out);
    const said = text(joined.stdout!);
    expect(await ended(joined)).toBe(0);
    expect(await said).toMatch(/Joined 3 shards/);
    expect(await ended(run("--out", whole))).toBe(0);
    expect(await timelessResults(out)).toEqual(await timelessResults(whole));
    expect((await readdir(join(out, "tasks"))).sort()).toEqual((await readdir(join(whole, "tasks"))).sort());
  },
);

it("stopped by Ctrl-C, a study says how to continue, and continues", { timeout: 200_000 }, async () => {
  const [whole, out] = [join(folder, "whole"), join(folder, "stopped")];
  const child = run("--out", out);
  const said = text(child.stdout!);
  child.stdout!.on("data", (chunk: Buffer) => chunk.toString().includes("1/2") && child.kill("SIGINT"));
  await once(child, "exit");
  expect(child.exitCode).toBe(130);
  const { measurements } = (await timelessResults(out)) as { measurements: { trials: readonly unknown[] } };
  expect(measurements.trials.length).toBeGreaterThan(0);
  const done = (await readdir(join(out, "tasks"))).length;
  expect(measurements.trials).toHaveLength(done);
  expect(await readFile(join(out, "report.html"), "utf8")).toContain(`of ${done} runs of the three matrices converged`);
  const command =
    "npx attention-kernels study dynamics --seed 1 --backend cpu --start-heads 4 --start-draws 2 " +
    `--kernels 'softmax,gaussian' --seeds 2 --steps 20 --out ${out} --resume`;
  expect(await said).toContain(`Go on with: ${command}\n`);
  expect(await ended(run("--out", out, "--resume"))).toBe(0);
  expect(await timelessResults(out)).toEqual(await timelessResults(whole));
});

describe("merge refuses", () => {
  const complaint = async (...argv: readonly string[]): Promise<string> => {
    const merged = promisify(execFile)(process.execPath, [
      program,
      "study",
      "merge",
      ...argv,
      "--out",
      join(folder, "refused"),
    ]);
    const { code, stderr } = (await merged.then(
      () => ({ code: 0, stderr: "" }),
      (error: unknown) => error,
    )) as { code: number; stderr: string };
    expect(code).toBe(2);
    return stderr;
  };

  it("shards that leave tasks out, names the tasks, and writes no results", async () => {
    expect(await complaint(shard(1), shard(3))).toMatch(
      new RegExp(
        "merge: wanted finished results of all 54 tasks, by this version, got 18 missing: " +
          "matrices query softmax seed 2, .*Run their shards with --resume",
      ),
    );
    expect(await readdir(join(folder, "refused"))).toEqual(["tasks"]);
  });

  it("shards of another configuration", async () => {
    const other = join(folder, "other");
    expect(await ended(run("--steps", "30", "--shard", "2/3", "--out", other))).toBe(0);
    expect(await complaint(shard(1), join(other, "shard-2-of-3"))).toMatch(
      new RegExp(
        "shard-2-of-3: wanted the configuration of .*, experiments matrices steps 20, " +
          ".* got experiments matrices steps 30",
      ),
    );
  });

  it("folders without results", async () => {
    expect(await complaint(join(folder, "absent"))).toMatch(
      /absent\/results\.json: wanted the results of a study, got ENOENT/,
    );
    await writeFile(join(folder, "results.json"), '{"half":');
    expect(await complaint(folder)).toMatch(/wanted the results of a study, got none/);
  });
});

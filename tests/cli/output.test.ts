import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { oneLine } from "../../src/cli/output.js";
import { lockFolder } from "../../src/studies/runner/lock.js";
import { tinyCorpus } from "../support/corpus.js";
import { bundle } from "../support/processes.js";

let folder = "";
let program = "";
let data = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "output-"));
  program = await bundle("src/cli/index.ts", folder);
  data = await tinyCorpus(folder);
});
afterAll(() => rm(folder, { recursive: true }));

/**
 * Runs the command line in a shell as `$CLI`, with its output redirected by `redirect`; returns the exit code of the
 * command, and the shell's stderr.
 */
async function shell(argv: readonly string[], redirect: string): Promise<{ code: number; stderr: string }> {
  const script = `{ "$NODE" "$CLI" "$@"; echo "exit $?" >&3; } ${redirect}`;
  const child = spawn("sh", ["-c", `exec 3>&2; ${script}`, "sh", ...argv], {
    env: { ...process.env, NODE: process.execPath, CLI: program },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = await text(child.stderr);
  return { code: Number(/^exit (\d+)$/m.exec(said)?.[1]), stderr: said.replace(/^exit \d+\n/m, "") };
}

/** A study that would take minutes. */
const study = (out: string): string[] => [
  "study",
  "text",
  "--data",
  data,
  "--backend",
  "cpu",
  "--seeds",
  "3",
  "--epochs",
  "2000",
  "--tokens",
  "8",
  "--out",
  join(folder, out),
];
const kept = async (out: string): Promise<string[]> => (await readdir(join(folder, out))).sort();

describe("output that nobody reads", () => {
  it("stops a study like a signal, and stderr says how to continue", async () => {
    const { code, stderr } = await shell(study("head"), "| head -n 1");
    expect(code).toBe(130);
    expect(stderr).toMatch(
      /Stopped; what was computed so far: .*\nGo on with: npx attention-kernels study text .* --resume\n$/,
    );
    expect(stderr).not.toMatch(/^ +at /m);
    expect(await kept("head")).toEqual(expect.arrayContaining(["report.html", "results.json"]));
    expect(await kept("head")).not.toContain("lock");
  });

  it("stops a study although stderr goes to the same pipe", async () => {
    expect((await shell(study("both"), "2>&1 | head -n 1")).code).toBe(130);
    expect(await kept("both")).not.toContain("lock");
  });

  it("is no error after all was written", async () => {
    expect(await shell(["study", "text", "--help"], "| head -n 1")).toEqual({ code: 0, stderr: "" });
  });
});

describe.skipIf(!existsSync("/dev/full"))("output to a full device", () => {
  it("stops a study like a signal, with the reason", async () => {
    const { code, stderr } = await shell(study("full"), "> /dev/full");
    expect(code).toBe(130);
    expect(stderr).toMatch(/^The output cannot be written: ENOSPC.*\n/);
    expect(stderr).toMatch(/\nGo on with: .* --resume\n$/);
    expect(await kept("full")).not.toContain("lock");
  });

  it("fails other commands, and errors that cannot be written keep their exit code", async () => {
    expect(await shell(["--help"], "> /dev/full")).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^The output cannot be written: ENOSPC.*\n$/) as string,
    });
    expect((await shell(["study", "text", "--seeds", "x"], "2> /dev/full")).code).toBe(2);
  });
});

it.skipIf(!existsSync("/proc/self"))("a folder that no file system makes is refused at once", async () => {
  for (const out of [
    "/proc/x",
    "/proc/x/y/z",
    "/dev/null/x",
    "/dev/null",
    join(program, "x"),
    "x".repeat(5000),
    "a\0b",
  ]) {
    await expect(lockFolder(out)).rejects.toThrow(/wanted a place to write, got E[A-Z_]+/);
  }
});

it("a message is one short line without commands to the terminal", () => {
  expect(oneLine("a\n  b\u001b[2J\u009b\tc\u2028d")).toBe("a b\\u001b[2J\\u009b\\u0009c\\u2028d\n");
  expect(oneLine("x".repeat(1e5))).toHaveLength(1008);
});

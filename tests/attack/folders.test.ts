import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawn, sized } from "../support/attack.js";
import { bundle, ended, start, timelessResults } from "../support/processes.js";

let folder = "";
let commandLine = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "attack-folders-"));
  commandLine = await bundle("src/cli/index.ts", folder);
});
afterAll(() => rm(folder, { recursive: true }));

/** Six tasks that keep their weights on the way. */
const study = (out: string, epochs = 2): string[] => [
  "study",
  "potts",
  "--backend",
  "cpu",
  "--sites",
  "4",
  "--colours",
  "3",
  "--samples",
  "1000",
  "--seeds",
  "3",
  "--layers",
  "1",
  "--restarts",
  "1",
  "--epochs",
  String(epochs),
  "--out",
  out,
  "--resume",
];

/** The results of a run that nobody disturbed. */
let wanted: unknown;
beforeAll(async () => {
  const out = join(folder, "alone");
  expect(await ended(start(commandLine, ...study(out)))).toBe(0);
  wanted = await timelessResults(out);
});

/** Files that a process leaves behind only when it is killed. */
const halfDone = (names: readonly string[]): string[] => names.filter((name) => /(^|\/)lock$|\.tmp$/.test(name));

/** What a process said on its standard error. */
async function finished(child: ChildProcess): Promise<{ readonly code: number | null; readonly said: string }> {
  child.stdout?.resume();
  const said = text(child.stderr!);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return { code: child.exitCode, said: await said };
}

const quiet = (...argv: readonly string[]): ChildProcess =>
  spawn(process.execPath, [commandLine, ...argv], { stdio: ["ignore", "pipe", "pipe"] });

describe("processes that want one folder", () => {
  it("at once: one has it, the others say who has it, whoever was killed before", async () => {
    const out = join(folder, "wanted");
    const stream = drawn("one folder");
    for (let round = 0; round < sized(1, 8); round++) {
      const all = Array.from({ length: 4 }, () => quiet(...study(out)));
      // of the ones that a signal ends, the lock stays, and the next round takes it over
      const victim = all[stream.integer(all.length)];
      const isKilled = round % 2 === 1;
      if (isKilled) void sleep(stream.uniform() * 1500).then(() => victim.kill("SIGKILL"));
      const results = await Promise.all(all.map(finished));
      const others = results.filter((_, at) => !isKilled || all[at] !== victim);
      for (const { code, said } of others) {
        expect([0, 2]).toContain(code);
        if (code === 2)
          expect(said).toMatch(
            /^study: --out: wanted a folder into which no other process writes, got .* in use by process \d+ on .*\n$/,
          );
      }
      if (!isKilled) expect(results.filter(({ code }) => code === 0).length).toBeGreaterThanOrEqual(1);
    }
    expect((await finished(quiet(...study(out)))).code).toBe(0);
    expect(halfDone(await readdir(out))).toEqual([]);
    expect(await timelessResults(out)).toEqual(wanted);
  });
});

// `ulimit -f`: a file may grow to so many KiB, and a write beyond fails like one to a full disk.
describe.runIf(process.platform === "linux")("a disk that is full", () => {
  const limited = (kib: number, ...argv: readonly string[]): ChildProcess =>
    spawn("bash", ["-c", `ulimit -f ${kib}; exec "$@"`, "bash", process.execPath, commandLine, ...argv], {
      stdio: ["ignore", "pipe", "pipe"],
    });

  /** Runs against the limit, and leaves nothing that a later run stumbles over. */
  async function failsCleanly(kib: number, out: string, epochs: number): Promise<void> {
    const { code, said } = await finished(limited(kib, ...study(out, epochs)));
    expect(code, said).toBe(2);
    expect(said).toMatch(/^[^\n]*(EFBIG|ENOSPC)[^\n]*\n$/);
    expect(said).toContain(out);
    const left = await readdir(out, { recursive: true }).catch(() => []);
    expect(halfDone(left)).toEqual([]);
    for (const name of left.filter((path) => path.endsWith(".json")))
      JSON.parse(await readFile(join(out, name), "utf8"));
  }

  // the lock, a task's weights, results.json, a figure and report.html are the first that do not fit
  it.each([0, 1, 2, 4, 8].filter((_size, at) => at % sized(3, 1) === 0).map((kib) => [kib]))(
    "after %d KiB: one line names the file, nothing half is left, and what is resumed has the same numbers",
    async (kib) => {
      const out = join(folder, `full-${kib}`);
      await failsCleanly(kib, out, 2);
      expect(await ended(start(commandLine, ...study(out)))).toBe(0);
      expect(await timelessResults(out)).toEqual(wanted);
      if (sized(0, 1) === 0) return;
      await failsCleanly(kib, out, 3);
      expect(await ended(start(commandLine, ...study(out)))).toBe(0);
      expect(await timelessResults(out)).toEqual(wanted);
    },
  );
});

import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ArgumentError } from "../../src/core/errors.js";
import { cpu } from "../../src/cpu/cpu.js";
import { lockFolder } from "../../src/studies/runner/lock.js";
import { conduct } from "../../src/studies/runner/conduct.js";
import { studyOf } from "../support/study.js";

let out = "";
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(() => rm(out, { recursive: true }));

const lock = (): string => join(out, "lock");
/** A process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ["--version"]).pid;

it("refuses a second run into a folder, and leaves what the first one writes there", async () => {
  let inside = (): void => undefined;
  let go = (): void => undefined;
  const isInside = new Promise<void>((resolve) => (inside = resolve));
  const mayGo = new Promise<void>((resolve) => (go = resolve));
  const study = studyOf("slow", {
    a: async () => {
      inside();
      await mayGo;
      return 1;
    },
  });
  const options = { backend: cpu, seed: 1, out, command: "test" };
  const first = conduct(study, {}, options);
  await isInside;
  const live = join(out, `report.html.${process.pid}.tmp`);
  await writeFile(live, "");
  await expect(conduct(study, {}, options)).rejects.toThrow(ArgumentError);
  await expect(conduct(study, {}, options)).rejects.toThrow(
    `in use by process ${process.pid} on ${hostname()}. Choose another folder, or wait; if that process ` +
      `is gone, delete ${lock()}.`,
  );
  expect(await readdir(out)).toContain(`report.html.${process.pid}.tmp`);
  go();
  expect((await first).results).toMatchObject({ partial: false, measurements: { values: [1] } });
  expect(await readdir(out)).not.toContain("lock");
  await conduct(study, {}, options);
});

it("is taken over from a dead process, or if it names no process", async () => {
  for (const content of [`${deadPid()} ${hostname()}\n`, "", "12", `${process.pid} ${hostname()}\n`]) {
    await writeFile(lock(), content);
    const unlock = await lockFolder(out);
    expect(await readFile(lock(), "utf8")).toBe(`${process.pid} ${hostname()}\n`);
    await unlock();
    expect(await readdir(out)).toEqual([]);
  }
});

it("is never taken over from another host", async () => {
  await writeFile(lock(), `${deadPid()} elsewhere\n`);
  await expect(lockFolder(out)).rejects.toThrow(/in use by process \d+ on elsewhere\. .* delete .*lock\./);
  expect(await readFile(lock(), "utf8")).toMatch(/elsewhere/);
});

it("removes a folder that was created only for it", async () => {
  await (
    await lockFolder(join(out, "new"))
  )();
  expect(await readdir(out)).toEqual([]);
  await mkdir(join(out, "old"));
  await (
    await lockFolder(join(out, "old"))
  )();
  expect(await readdir(out)).toEqual(["old"]);
});

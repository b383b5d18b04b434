import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bundle, ended, start, timelessResults } from "../support/processes.js";

const SMALL = [
  "--seeds",
  "1",
  "--steps",
  "5",
  "--kernels",
  "softmax,gaussian",
  "--start-heads",
  "4",
  "--start-draws",
  "2",
];

let folder = "";
let program = "";
/** An environment in which `npx attention-kernels study dynamics` is this program on a small problem. */
let env: NodeJS.ProcessEnv = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slurm-"));
  program = await bundle("src/cli/index.ts", folder);
  const bin = join(folder, "bin");
  await mkdir(bin);
  const small = `case "$3" in dynamics) set -- "$@" ${SMALL.join(" ")};; esac`;
  await writeFile(join(bin, "npx"), `#!/bin/sh\n${small}\nshift\nexec "${process.execPath}" "${program}" "$@"\n`);
  await chmod(join(bin, "npx"), 0o755);
  env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}` };
});
afterAll(() => rm(folder, { recursive: true }));

it("the documented job array and its merge give the results of one process", { timeout: 200_000 }, async () => {
  const page = await readFile("docs/studies.md", "utf8");
  const [script] = /(?<=```bash\n)#!\/bin\/bash\n.*?(?=```)/s.exec(page)!;
  const [merge] = /(?<=--wrap ").*?(?=")/.exec(page)!;
  const [first, last] = /(?<=--array=)\d+-\d+/.exec(script)![0].split("-").map(Number);
  await writeFile(join(folder, "dynamics.sh"), script);
  const array = Array.from({ length: last - first + 1 }, (_, index) => String(first + index));
  const submit = (id: string) =>
    promisify(execFile)("bash", ["dynamics.sh"], { cwd: folder, env: { ...env, SLURM_ARRAY_TASK_ID: id } });
  await Promise.all(array.map(submit));
  await submit(array[0]); // a requeued element
  await promisify(execFile)("bash", ["-c", merge], { cwd: folder, env });
  const whole = join(folder, "whole");
  expect(await ended(start(program, "study", "dynamics", ...SMALL, "--backend", "cpu", "--out", whole))).toBe(0);
  const { command, ...merged } = await timelessResults(join(folder, "out/dynamics"));
  expect(command).toMatch(
    /^npx attention-kernels study dynamics --seed 1 --backend cpu --start-heads 4 --start-draws 2 --kernels /,
  );
  expect(merged).toEqual({ ...(await timelessResults(whole)), command: undefined });
});

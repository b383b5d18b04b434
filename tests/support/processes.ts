import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { programs } from "../../scripts/programs.mjs";

/** Bundles a program of this repository into a folder, so that separate processes can run it; returns its path. */
export async function bundle(entry: string, folder: string): Promise<string> {
  const outfile = join(folder, `${entry.replace(/\W+/g, "-")}.mjs`);
  // CommonJS packages load Node's modules by require
  const banner =
    'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);';
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    plugins: [programs],
    external: ["webgpu", "canvas"],
    banner: { js: banner },
    logLevel: "error",
  });
  return outfile;
}

/** Starts a program; its errors come to this process. */
export function start(program: string, ...argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...argv], { stdio: ["ignore", "pipe", "inherit"] });
}

/** The exit code of a process, null where a signal ended it. */
export async function ended(child: ChildProcess): Promise<number | null> {
  child.stdout?.resume();
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

/** What `results.json` holds, without times. */
export async function timelessResults(out: string): Promise<Record<string, unknown>> {
  const times = ["seconds", "secondsPerStep", "startedAt"];
  return JSON.parse(await readFile(join(out, "results.json"), "utf8"), (name, value: unknown) =>
    times.includes(name) ? undefined : value,
  ) as Record<string, unknown>;
}

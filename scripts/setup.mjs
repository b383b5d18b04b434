import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { cache, root, run, runTool } from "./processes.mjs";

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Whether every required package is installed in its locked version. */
function installed() {
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const present = readJson(record).packages;
  return Object.entries(readJson(join(root, "package-lock.json")).packages).every(
    ([path, { version, optional }]) => path === "" || optional || present[path]?.version === version,
  );
}

/** Installs the locked packages if they are missing. */
export async function install() {
  if (installed()) return;
  console.log("Installing packages from the lock file (once, about a minute) ...");
  const args = ["ci", "--include=dev", "--include=optional", "--no-progress", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const { code, output } = npm
    ? await run(process.execPath, [npm, ...args])
    : await run("npm", args, { shell: process.platform === "win32" });
  if (code !== 0) throw new Error(`npm ci failed; is the npm registry reachable?\n${output}`);
}

function* files(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path).sort()) yield* files(join(path, name));
}

function fingerprint(sources) {
  const hash = createHash("sha256");
  for (const source of sources) {
    for (const path of files(join(root, source))) hash.update(`${path}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** Whether the process of a lock has ended without removing it. */
function isAbandoned(lock) {
  try {
    process.kill(Number(readFileSync(lock, "utf8")), 0);
    return false;
  } catch ({ code }) {
    return code === "ESRCH";
  }
}

/** Does work that no other process does at the same time: a file that only one of them can make is the lock. */
async function alone(lock, work) {
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      if (isAbandoned(lock)) rmSync(lock, { force: true });
      else await wait(200);
    }
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * Makes `products` by a command, unless they are there and made from the same sources.
 * @returns {Promise<{ code: number | null, output: string }>}
 */
async function made(products, { mark, sources, command }) {
  const path = join(cache, mark);
  const wanted = fingerprint(sources);
  const isMade = () =>
    products.every((name) => existsSync(join(root, name))) && existsSync(path) && readFileSync(path, "utf8") === wanted;
  if (isMade()) return { code: 0, output: "" };
  mkdirSync(cache, { recursive: true });
  return alone(`${path}.lock`, async () => {
    if (isMade()) return { code: 0, output: "" };
    rmSync(path, { force: true });
    const result = await command();
    if (result.code === 0) writeFileSync(path, wanted);
    return result;
  });
}

/** Builds `dist/`. */
export const build = () =>
  made(
    ["index.js", "cjs/index.js", "index.d.ts", "cli.js", "attention-kernels.min.js"].map((name) => `dist/${name}`),
    {
      mark: "built-from",
      sources: ["src", "shaders", "scripts", "package.json", "package-lock.json", "tsconfig.json"],
      command: () => run(process.execPath, ["scripts/build.mjs"]),
    },
  );

/** Writes the pages of the site that list the library's names, from the comments in `src/`. */
export const describeNames = () =>
  made(["site/pages/api/README.md"], {
    mark: "described-from",
    sources: ["src", "package-lock.json", "tsconfig.json", "site/typedoc.json"],
    command: () => runTool("typedoc/bin/typedoc", ["--options", "site/typedoc.json"]),
  });

/** The site as its tests have it, below this path. */
export const siteBase = "/a/path/";

/** Builds the site for its tests. */
export async function buildSite() {
  const described = await describeNames();
  if (described.code !== 0) return described;
  return made(["out/site-tested/index.html"], {
    mark: "site-from",
    sources: [
      ...["docs", "shaders", "site", "src", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "package-lock.json"],
      ...["scripts/programs.mjs", "scripts/shader-text.mjs"],
    ],
    command: () =>
      runTool("vitepress/bin/vitepress.js", [
        "build",
        "site",
        "--base",
        siteBase,
        "--outDir",
        join(root, "out/site-tested"),
      ]),
  });
}

/** Installs and builds what is missing. */
export async function prepare() {
  await install();
  const { code, output } = await build();
  if (code !== 0) throw new Error(`the build failed\n${output}`);
}

// npm run release -- 0.2.0 --repository https://github.com/owner/name: writes the version into package.json, its lock
// file and the changelog, runs every check and test, also those on other runtimes, and packs. The first release also
// writes the address of the repository, which later ones know. Commits and publishes nothing; if anything fails, the
// files stay as they were.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { findAdapter } from "./adapter.mjs";
import { follow, root, run, tool } from "./processes.mjs";

const files = ["package.json", "package-lock.json", "CHANGELOG.md"];
const texts = files.map((name) => readFileSync(join(root, name), "utf8"));
const write = (contents) => contents.forEach((text, at) => writeFileSync(join(root, files[at]), text));

/** The manifest with the addresses that npm shows; the first release writes them. */
function addressed(manifest, repository) {
  const known = JSON.parse(manifest).repository;
  if (known !== undefined && repository === undefined) return manifest;
  if (known !== undefined || !/^https:\/\/.+[^/]$/.test(repository ?? ""))
    throw new Error(
      known === undefined
        ? `release: --repository: wanted the address of the repository (https://...), got ${repository}`
        : `release: --repository: package.json names ${known.url}; change it there`,
    );
  const page = repository.replace(/\.git$/, "");
  const lines = [
    `"repository": { "type": "git", "url": "git+${page}.git" }`,
    `"homepage": "${page}#readme"`,
    `"bugs": "${page}/issues"`,
  ];
  return manifest.replace(/^ {2}"license": .*\n/m, (license) => license + lines.map((line) => `  ${line},\n`).join(""));
}

/** The files with the new version. */
function released([manifest, lock, changelog], version, repository) {
  const old = JSON.parse(manifest).version;
  const parts = (name) => name.split(".").map(Number);
  const rises = parts(version ?? "")
    .map((part, at) => part - parts(old)[at])
    .find((difference) => difference !== 0);
  if (!/^\d+\.\d+\.\d+$/.test(version) || !(rises > 0))
    throw new Error(`release: wanted a version above ${old}, got ${version}; npm run release -- <version>`);
  const unreleased = "## Unreleased\n";
  if (!changelog.includes(`${unreleased}\n- `))
    throw new Error('release: CHANGELOG.md: wanted entries under "## Unreleased", found none');
  const locked = JSON.parse(lock);
  locked.version = locked.packages[""].version = version;
  return [
    addressed(manifest, repository).replace(`"version": "${old}"`, `"version": "${version}"`),
    `${JSON.stringify(locked, null, 2)}\n`,
    changelog.replace(unreleased, `## ${version} (${new Date().toISOString().slice(0, 10)})\n`),
  ];
}

async function succeed(what, args, env = process.env) {
  const code = await follow(args, env);
  if (code !== 0) throw new Error(`release: ${what} failed`);
}

async function git(...args) {
  const { code, output } = await run("git", args);
  if (code !== 0) throw new Error(`release: git ${args.join(" ")} failed\n${output}`);
  return output;
}

try {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { repository: { type: "string" } } });
  const [version] = positionals;
  const contents = released(texts, version, values.repository);
  const changed = await git("status", "--porcelain");
  if (changed !== "") throw new Error(`release: wanted a clean working tree, got\n${changed}`);
  write(contents);
  try {
    await succeed("npm test", ["scripts/test.mjs"]);
    const { env } = await findAdapter();
    await succeed("the package in other runtimes", [tool("vitest/vitest.mjs"), "run", "--project=large"], env);
    const { code, output, stdout } = await run("npm", ["pack", "--ignore-scripts", "--loglevel=error"], {
      shell: process.platform === "win32",
    });
    if (code !== 0) throw new Error(`release: npm pack failed\n${output}`);
    console.log(`${stdout.trim()} is packed. What is left: git commit -am "Release ${version}"`);
    console.log(`git tag v${version}, git push --tags, npm publish ${stdout.trim()}`);
  } catch (error) {
    write(texts);
    throw error;
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

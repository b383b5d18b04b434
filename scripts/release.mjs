// npm run release -- 0.2.0: writes the version into package.json, its lock file and the changelog, runs every check and
// test, also those on other runtimes, and packs. Commits and publishes nothing; if anything fails, the files stay as
// they were.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { follow, root, run, tool } from "./processes.mjs";

const files = ["package.json", "package-lock.json", "CHANGELOG.md"];
const texts = files.map((name) => readFileSync(join(root, name), "utf8"));
const write = (contents) => contents.forEach((text, at) => writeFileSync(join(root, files[at]), text));

/** The files with the new version. */
function released([manifest, lock, changelog], version) {
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
    manifest.replace(`"version": "${old}"`, `"version": "${version}"`),
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
  const [version] = process.argv.slice(2);
  const contents = released(texts, version);
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

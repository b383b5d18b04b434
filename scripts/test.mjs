// npm test: installs what is missing and runs every check and test, with one line each and the sum last.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { findDeno } from "./deno.mjs";
import { cache, runTool } from "./processes.mjs";
import { build, buildSite, install } from "./setup.mjs";

const total = { passed: 0, failed: 0, skipped: 0 };

function show(mark, title, started, remark = "") {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${mark.padEnd(4)} ${title.padEnd(18)} ${seconds.padStart(6)} s${remark && `  ${remark}`}`);
}

/** Runs one check; its output is shown only if it fails. */
async function check(title, command) {
  const started = performance.now();
  const { code, output } = await command();
  const good = code === 0;
  total[good ? "passed" : "failed"] += 1;
  show(good ? "ok" : "FAIL", title, started);
  if (!good) console.log(output);
}

/** Counts the tests of a vitest report; a file that could not be loaded counts as one failed test. */
function count(report) {
  const broken = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** Runs projects of `vitest.config.ts` and counts their test cases. */
async function tests(title, projects, env, runtime) {
  const started = performance.now();
  const path = join(cache, `${projects[0]}.json`);
  mkdirSync(cache, { recursive: true });
  rmSync(path, { force: true });
  const args = [
    "run",
    ...projects.map((project) => `--project=${project}`),
    ...["--reporter=default", "--reporter=json", `--outputFile.json=${path}`],
  ];
  const { code, output } = await runTool("vitest/vitest.mjs", args, { env, runtime });
  let counted = { passed: 0, failed: 0, skipped: 0 };
  try {
    counted = count(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // No report: the runner itself died; the exit code shows it.
  }
  if (code !== 0 && counted.failed === 0) counted.failed = 1;
  for (const key of Object.keys(total)) total[key] += counted[key];
  show(counted.failed ? "FAIL" : "ok", title, started, summary(counted));
  if (counted.failed) console.log(output);
}

function summary({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ""}`;
}

/** Finds the adapter for the tests; none is a failure only if `REQUIRE_GPU=1`. */
async function adapter() {
  const started = performance.now();
  try {
    const { kind, name, env } = await findAdapter();
    if (kind !== "cpu") {
      total.passed += 1;
      show("ok", "adapter", started, `${kind}: ${name}`);
      return env;
    }
    if (process.env.REQUIRE_GPU === "1") throw new Error("REQUIRE_GPU=1, and no WebGPU adapter was found");
    total.skipped += 1;
    show("SKIP", "adapter", started, "no WebGPU adapter: tests on a GPU are skipped");
    return env;
  } catch (error) {
    total.failed += 1;
    show("FAIL", "adapter", started, error.message);
    return { ...process.env, ADAPTER: "cpu" };
  }
}

/** Runs the tests on wgpu, in Deno. */
async function testsOnWgpu(env) {
  const started = performance.now();
  const { runtime, missing } = await findDeno(env);
  if (runtime !== undefined) return tests("tests on wgpu", ["wgpu"], env, runtime);
  total.skipped += 1;
  show("SKIP", "tests on wgpu", started, missing);
}

try {
  await install();
  // both halves take equally long
  await Promise.all([
    (async () => {
      await check("lint", () => runTool("eslint/bin/eslint.js", ["--max-warnings=0", "."]));
      await check("format", () => runTool("prettier/bin/prettier.cjs", ["--check", "--log-level=warn", "."]));
    })(),
    (async () => {
      await check("types", () => runTool("typescript/bin/tsc", ["--noEmit"]));
      await check("import directions", () =>
        runTool("dependency-cruiser/bin/dependency-cruise.mjs", ["--config", ".dependency-cruiser.cjs", "src"]),
      );
      await check("unused code", () => runTool("knip/bin/knip.js", []));
      await check("build", build);
      await check("site", buildSite);
      await check("package", () => runTool("publint/src/cli.js", ["--strict"]));
      await check("package types", () => runTool("@arethetypeswrong/cli/dist/index.js", ["--pack", "."]));
    })(),
  ]);
  const env = await adapter();
  await tests("tests", ["unit", "alone"], env);
  await testsOnWgpu(env);
  await tests("package tests", ["package"], env);
} catch (error) {
  total.failed += 1;
  console.log(error.message);
}
console.log(summary(total));
process.exitCode = total.failed ? 1 : 0;

// npm start: installs and builds what is missing, picks an adapter, runs the convergence study.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { root } from "./processes.mjs";
import { build, install } from "./setup.mjs";

/** Runs the command line with the given arguments and gives its exit code. */
function study(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "dist", "cli.js"), ...args], { cwd: root, env, stdio: "inherit" });
    // Ctrl-C at a terminal reaches the child by itself; a signal sent to this process alone does not.
    process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.once("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

try {
  await install();
  const built = await build();
  if (built.code !== 0) throw new Error(`the build failed\n${built.output}`);
  const extra = process.argv.slice(2);
  const { kind, env } = await findAdapter();
  const asked = extra.some((argument) => argument.startsWith("--backend"));
  const backend = kind === "cpu" && !asked ? ["--backend", "cpu"] : [];
  process.exitCode = await study(["study", "convergence", ...backend, ...extra], env);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}

// npm start: installs and builds what is missing, picks an adapter, runs the convergence study.
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { follow, root } from "./processes.mjs";
import { prepare } from "./setup.mjs";

try {
  await prepare();
  const extra = process.argv.slice(2);
  const { kind, env } = await findAdapter();
  const asked = extra.some((argument) => argument.startsWith("--backend"));
  const backend = kind === "cpu" && !asked ? ["--backend", "cpu"] : [];
  process.exitCode = await follow([join(root, "dist", "cli.js"), "study", "convergence", ...backend, ...extra], env);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}

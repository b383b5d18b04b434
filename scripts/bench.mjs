// npm run bench: installs and builds what is missing, picks an adapter, runs a bench.
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { follow, root } from "./processes.mjs";
import { prepare } from "./setup.mjs";

try {
  await prepare();
  const { kind, env } = await findAdapter();
  if (kind === "cpu") throw new Error("bench: there is no WebGPU adapter");
  process.exitCode = await follow([join(root, "bench", "run.mjs"), ...process.argv.slice(2)], env);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}

// npm run bench, bench:peers, bench:step, bench:monitor, bench:portable: installs and builds what is missing, picks an
// adapter, runs the named bench.
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { follow, root } from "./processes.mjs";
import { prepare } from "./setup.mjs";

try {
  await prepare();
  const [bench, ...options] = process.argv.slice(2);
  const { kind, env } = await findAdapter();
  if (kind === "cpu" && bench !== "portable")
    throw new Error(`bench ${bench}: wanted a WebGPU adapter, found none; install a Vulkan driver`);
  process.exitCode = await follow([join(root, "bench", `${bench}.mjs`), ...options], env);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}

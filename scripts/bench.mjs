// npm run bench, bench:peers, bench:step, bench:monitor, bench:portable, bench:isa: installs and builds what is
// missing, picks an adapter, runs the named bench.
import { join } from "node:path";
import { findAdapter } from "./adapter.mjs";
import { follow, root } from "./processes.mjs";
import { prepare } from "./setup.mjs";

/** Benches that run nothing on an adapter. */
const WITHOUT_ADAPTER = ["portable", "isa"];

try {
  await prepare();
  const [bench, ...options] = process.argv.slice(2);
  const { kind, env } = await findAdapter();
  if (kind === "cpu" && !WITHOUT_ADAPTER.includes(bench))
    throw new Error(`bench ${bench}: wanted a WebGPU adapter, found none; install a Vulkan driver`);
  process.exitCode = await follow([join(root, "bench", `${bench}.mjs`), ...options], env);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}

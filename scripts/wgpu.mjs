// npm run test:wgpu [-- files]: runs all tests that compute on a GPU, or those of the named files, in Deno.
import { findAdapter } from "./adapter.mjs";
import { findDeno } from "./deno.mjs";
import { follow, tool } from "./processes.mjs";
import { install } from "./setup.mjs";

const everything = ["tests/wgpu", "tests/autograd", "tests/gpu", "tests/kernels", "tests/nn"];

try {
  await install();
  const { env } = await findAdapter();
  const { runtime, missing } = await findDeno(env);
  if (runtime === undefined) throw new Error(missing);
  const files = process.argv.length > 2 ? process.argv.slice(2) : everything;
  const args = [
    tool("vitest/vitest.mjs"),
    "run",
    ...["wgpu", "unit", "alone"].map((project) => `--project=${project}`),
    ...files,
  ];
  process.exitCode = await follow(args, { ...env, WGPU: "all" }, runtime);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}

import { createRequire } from "node:module";
import { probe } from "./adapter.mjs";

/** Path of Deno from npm; undefined if npm has no build for this system. */
function executable() {
  try {
    return createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
  } catch {
    return undefined;
  }
}

/**
 * Finds Deno, whose WebGPU is wgpu with the shader compiler naga, as in Firefox.
 * @returns {Promise<{ runtime?: [string, ...string[]], missing?: string }>} the command that runs a script, or why
 * there is none
 */
export async function findDeno(env) {
  const deno = executable();
  if (deno === undefined) return { missing: "npm has no Deno for this system" };
  const runtime = [deno, "run", "--allow-all", "--no-lock", "--unstable-webgpu"];
  const adapter = env.ADAPTER === "cpu" ? null : await probe(env, runtime);
  return adapter === null ? { missing: "Deno finds no WebGPU adapter" } : { runtime };
}

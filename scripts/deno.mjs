import { createRequire } from "node:module";
import { probe } from "./adapter.mjs";

/** Deno from npm; undefined where it has no build for this system. */
function executable() {
  try {
    return createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
  } catch {
    return undefined;
  }
}

/**
 * Deno, whose WebGPU is wgpu with the shader compiler naga, as Firefox's is.
 * @returns {Promise<{ runtime?: [string, ...string[]], missing?: string }>} a command before a script, or why there is none
 */
export async function findDeno(env) {
  const deno = executable();
  if (deno === undefined) return { missing: "npm has no Deno for this system" };
  const runtime = [deno, "run", "--allow-all", "--no-lock", "--unstable-webgpu"];
  const adapter = env.ADAPTER === "cpu" ? null : await probe(env, runtime);
  return adapter === null ? { missing: "Deno finds no WebGPU adapter" } : { runtime };
}

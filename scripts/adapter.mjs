import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { swiftshaderFolder } from "./archive.mjs";
import { run } from "./processes.mjs";

const kinds = ["hardware", "lavapipe", "swiftshader", "cpu"];
const driverFolders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];

function kindOf({ isFallbackAdapter, architecture, description }) {
  const name = `${architecture} ${description}`.toLowerCase();
  if (name.includes("llvmpipe")) return "lavapipe";
  if (name.includes("swiftshader")) return "swiftshader";
  return isFallbackAdapter ? "software" : "hardware";
}

/** Environments in which a Node process may find an adapter, the best first. */
function* environments() {
  yield {};
  if (process.platform !== "linux") return;
  // Dawn loads Vulkan by name; the loader reads these variables at start to choose a driver.
  for (const folder of driverFolders.filter((path) => existsSync(path))) {
    for (const name of readdirSync(folder).filter((file) => /^lvp_icd.*\.json$/.test(file))) {
      yield { VK_DRIVER_FILES: join(folder, name), VK_ICD_FILENAMES: join(folder, name) };
    }
  }
  // SwiftShader on npm is built only for x86-64.
  if (process.arch !== "x64") return;
  const rest = process.env.LD_LIBRARY_PATH;
  yield { LD_LIBRARY_PATH: swiftshaderFolder() + (rest ? delimiter + rest : "") };
}

/**
 * The adapter that a runtime finds in an environment, or null. Runs in a child process, because drivers may crash or
 * hang.
 */
export async function probe(env, [command, ...flags] = [process.execPath]) {
  const script = fileURLToPath(new URL("probe.mjs", import.meta.url));
  const { code, stdout } = await run(command, [...flags, script], { env, seconds: 30 });
  const line = stdout.trim().split("\n").at(-1);
  if (code !== 0 || !line) return null;
  const info = JSON.parse(line);
  return info && { kind: kindOf(info), name: info.description || info.device || info.vendor };
}

/**
 * Finds the best adapter: hardware, lavapipe, SwiftShader from npm, or none (kind "cpu"). `ADAPTER` in the environment
 * demands one of these by name.
 * @returns {Promise<{ kind: string, name: string, env: NodeJS.ProcessEnv }>} `env` is the environment in which a
 * process finds it
 */
export async function findAdapter() {
  const wanted = process.env.ADAPTER;
  if (wanted && !kinds.includes(wanted)) {
    throw new Error(`ADAPTER: wanted one of ${kinds.join(", ")}, got ${wanted}`);
  }
  const seen = [];
  if (wanted !== "cpu") {
    for (const variables of environments()) {
      const adapter = await probe({ ...process.env, ...variables });
      if (!adapter) continue;
      if (!wanted || wanted === adapter.kind) {
        return { ...adapter, env: { ...process.env, ...variables, ADAPTER: adapter.kind } };
      }
      seen.push(adapter.kind);
    }
    if (wanted) {
      const found = [...new Set(seen), "cpu"].join(", ");
      throw new Error(`ADAPTER: wanted ${wanted}, this machine has ${found}; unset ADAPTER to take the best one`);
    }
  }
  return { kind: "cpu", name: "no WebGPU adapter", env: { ...process.env, ADAPTER: "cpu" } };
}

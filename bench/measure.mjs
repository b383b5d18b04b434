import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";

/** Versions of this library, its commit, Dawn and Node. A packed bench has the commit in its package.json. */
export function versions() {
  const require = createRequire(import.meta.url);
  const { version, commit } = require("../package.json");
  const described = () => {
    try {
      return execFileSync("git", ["describe", "--always", "--dirty"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim();
    } catch {
      return "unknown"; // sources without their history
    }
  };
  return {
    version,
    commit: commit ?? described(),
    webgpu: require("webgpu/package.json").version,
    node: process.version,
  };
}

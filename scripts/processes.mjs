import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Folder for files that may be deleted at any time: unpacked drivers, build marks, test reports. */
export const cache = fileURLToPath(new URL("../node_modules/.cache/attention-kernels/", import.meta.url));

const grouped = process.platform !== "win32";

/**
 * Runs a command in the root folder and captures its output.
 * Kills a command that outlives `seconds`, with all its children; its code is then null.
 * @returns {Promise<{ code: number | null, output: string, stdout: string }>}
 */
export function run(command, args, { env = process.env, seconds = 1800, shell = false } = {}) {
  return new Promise((resolve) => {
    // In its own process group, so that children of the command end with it.
    const child = spawn(command, args, {
      cwd: root,
      env,
      shell,
      detached: grouped,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let stdout = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      output += chunk;
    });
    child.stderr.on("data", (chunk) => (output += chunk));

    const end = () => {
      try {
        if (grouped) process.kill(-child.pid, "SIGKILL");
        else child.kill("SIGKILL");
      } catch {
        // Already gone.
      }
    };
    const interrupted = (signal) => {
      end();
      process.exit(signal === "SIGINT" ? 130 : 143);
    };
    process.once("SIGINT", interrupted);
    process.once("SIGTERM", interrupted);
    const timer = setTimeout(() => {
      output += `\nended after ${seconds} s\n`;
      end();
    }, seconds * 1000);

    const settle = (code) => {
      clearTimeout(timer);
      process.off("SIGINT", interrupted);
      process.off("SIGTERM", interrupted);
      resolve({ code, output, stdout });
    };
    child.once("error", (error) => {
      output += `${error.message}\n`;
      settle(null);
    });
    child.once("close", settle);
  });
}

/** Runs a script with this Node, or another runtime, connected to the terminal; returns its exit code. */
export function follow(args, env, [command, ...flags] = [process.execPath]) {
  return new Promise((resolve) => {
    const child = spawn(command, [...flags, ...args], { cwd: root, env, stdio: "inherit" });
    // A terminal sends Ctrl-C to the child too; a signal to this process alone must be forwarded.
    process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.once("error", (error) => {
      console.error(error.message);
      resolve(1);
    });
    child.once("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/** The path of a package's own script (`bin`). */
export function tool(script) {
  return fileURLToPath(new URL(`../node_modules/${script}`, import.meta.url));
}

/** Runs a package's own script with this Node, or another runtime, without a shell. */
export function runTool(script, args, { runtime: [command, ...flags] = [process.execPath], ...options } = {}) {
  return run(command, [...flags, tool(script), ...args], options);
}

// Runs one library in its own process. Answers each task with its time, including readback, and with its results if
// asked.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { create, globals } from "webgpu";

const [, , library, device, installed] = process.argv;
if (library === "jax-js" || library === "tfjs") {
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, "navigator", {
    value: { gpu: create([]), userAgent: "node" },
    configurable: true,
    writable: true,
  });
}
const require = createRequire(join(installed, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const folderOf = (name) => `${dirname(require.resolve(name))}/`;
let opened;
let tasks;
process.on("message", async (message) => {
  try {
    opened ??= await (await import(`./${library}.mjs`)).open({ device, load, folderOf });
    if (message.problem) {
      tasks = await opened[message.kind]?.(message.problem);
      process.send({ tasks: Object.keys(tasks ?? {}).filter((name) => name !== "toOurs") });
      return;
    }
    const start = performance.now();
    const numbers = await tasks[message.task]();
    const ms = performance.now() - start;
    const { toOurs = (data) => data } = tasks; // converts from the library's layout, if it differs
    process.send({ ms, numbers: message.check ? numbers.map(toOurs) : undefined });
  } catch (error) {
    process.send({
      failed: String(error?.stack ?? error)
        .split("\n")
        .slice(0, 3)
        .join(" "),
    });
  }
});
